//! What can be told from a datagram before the library sees it (RFC 6347, 4.1).

const HEADER: usize = 13;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// One record of a datagram: its epoch and its body, header included in `whole`.
struct Record<'a> {
    epoch: u16,
    whole: &'a [u8],
    body: &'a [u8],
}

fn split_record(datagram: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (header, rest) = datagram.split_first_chunk::<HEADER>()?;
    let [_kind, _, _, e1, e2, .., l1, l2] = *header;
    let length = usize::from(u16::from_be_bytes([l1, l2]));
    let body = rest.get(..length)?;
    let (whole, tail) = datagram.split_at_checked(HEADER.checked_add(length)?)?;
    Some((
        Record {
            epoch: u16::from_be_bytes([e1, e2]),
            whole,
            body,
        },
        tail,
    ))
}

/// The unprotected ClientHello that the datagram opens with: somebody begins a handshake.
pub(super) fn client_hello(datagram: &[u8]) -> Option<&[u8]> {
    let (record, _) = split_record(datagram)?;
    let hello = record.epoch == 0
        && record.whole.first() == Some(&HANDSHAKE)
        && record.body.first() == Some(&CLIENT_HELLO);
    hello.then_some(record.body)
}

/// Whether the datagram opens with a protected record.
pub(super) fn is_protected(datagram: &[u8]) -> bool {
    split_record(datagram).is_some_and(|(r, _)| r.epoch > 0)
}

/// The datagram without truncated records and without protected ones shorter than `least` bytes.
///
/// OpenSSL 3.0 takes a protected record too short for its nonce and tag as an internal error and ends the
/// session, which would let anybody who can forge an address end it with sixteen bytes.
pub(super) fn without_stubs(datagram: &[u8], least: usize) -> Vec<u8> {
    let (mut rest, mut kept) = (datagram, Vec::with_capacity(datagram.len()));
    while let Some((record, tail)) = split_record(rest) {
        if record.epoch == 0 || record.body.len() >= least {
            kept.extend_from_slice(record.whole);
        }
        rest = tail;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        [
            &[
                kind,
                0xfe,
                0xfd,
                0,
                epoch,
                0,
                0,
                0,
                0,
                0,
                1,
                0,
                body.len() as u8,
            ][..],
            body,
        ]
        .concat()
    }

    #[test]
    fn stubs_and_truncated_records_disappear() {
        let (good, stub, plain) = (
            record(23, 1, &[9; 24]),
            record(23, 1, &[9; 3]),
            record(22, 0, &[1, 0]),
        );
        let mixed = [&good[..], &stub, &plain, &good[..20]].concat();
        assert_eq!(without_stubs(&mixed, 24), [good, plain].concat());
        assert!(without_stubs(&stub, 24).is_empty());
        assert!(without_stubs(b"garbage", 24).is_empty());
    }

    #[test]
    fn a_client_hello_is_recognised() {
        assert_eq!(
            client_hello(&record(22, 0, &[1, 0, 0])),
            Some(&[1, 0, 0][..])
        );
        assert_eq!(client_hello(&record(22, 1, &[1, 0, 0])), None);
        assert_eq!(client_hello(&record(22, 0, &[16, 0, 0])), None);
        assert!(is_protected(&record(23, 1, &[])) && !is_protected(&record(23, 0, &[])));
        assert_eq!(client_hello(&[22]), None);
    }
}
