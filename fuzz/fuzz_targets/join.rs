//! Messages of joining: what is accepted can be sent on, and is accepted again.
#![no_main]

use iotchain::join::{
    Ccs, JoinRequest, JoinResponse, ProblemDetails, TransferRequest, TransferResponse,
};
use iotchain_core::Thumbprint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut out = vec![0; JoinResponse::MAX_LEN];
    // Unknown parameters are skipped (RFC 9594, 4.1.2), so what comes out may be shorter than what came in.
    if let Ok(request) = JoinRequest::parse(data) {
        let len = request.encode(&mut out).expect("a parsed request encodes");
        assert!(JoinRequest::parse(&out[..len]).is_ok());
    }
    if let Ok(request) = TransferRequest::parse(data) {
        let len = request.encode(&mut out).expect("a parsed request encodes");
        assert!(TransferRequest::parse(&out[..len]).is_ok());
    }
    if let Ok(response) = TransferResponse::parse(data) {
        let len = response
            .encode(&mut out)
            .expect("a parsed response encodes");
        assert!(TransferResponse::parse(&out[..len]).is_ok());
    }
    if let Ok(problem) = ProblemDetails::parse(data) {
        let len = problem.encode(&mut out).expect("parsed details encode");
        assert!(ProblemDetails::parse(&out[..len]).is_ok());
    }
    if let Ok(credential) = Ccs::parse(data) {
        let len = credential
            .encode(&mut out)
            .expect("a parsed credential encodes");
        assert!(Ccs::parse(&out[..len]).is_ok());
    }
    if let Ok(response) = JoinResponse::parse(data) {
        assert!(
            response.verify(&[0; 8], &Thumbprint::new([0; 32])).is_err(),
            "a proof over a nonce that nobody drew"
        );
    }
});
