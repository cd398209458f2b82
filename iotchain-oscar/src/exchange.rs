//! One request and the G responses to it (spec 2.7).
//!
//! ```text
//! client                            resource server
//!   | GET /temp, Token t               |
//!   |--------------------------------->|
//!   |      G object, bound to t  (PIV 5)|      a plain GET ends here
//!   |<---------------------------------|
//!   |      G object, bound to t  (PIV 6)|      Observe: same kid, (j, PIV) rising
//!   |<---------------------------------|
//! ```

use crate::origin::Origin;
use iotchain_core::{Error, Kid, Piv, Result, Session, TryCryptoRng};

/// The Token of one request and what was already accepted under it.
///
/// Keep one per outstanding request and endpoint: two responses belong to one observation when they answer the same
/// Token from the same endpoint for the same resource (C12). A changed kid (the server rebooted) ends the observation;
/// register again with a fresh `Exchange`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    token: [u8; Self::MAX_TOKEN],
    len: usize,
    newest: Option<(Kid, Session, Piv)>,
}

impl Exchange {
    /// Shortest Token in bytes.
    pub const MIN_TOKEN: usize = 4;
    /// Longest Token in bytes; recommended.
    pub const MAX_TOKEN: usize = 8;

    /// For the Token of a request. It must be unpredictable: GET is unauthenticated, so whoever guesses a Token can
    /// fetch a response in advance and play it later. [`Exchange::random`] draws one.
    ///
    /// # Errors
    /// [`Error::Binding`] unless it has 4 to 8 bytes.
    pub fn new(token: &[u8]) -> Result<Self> {
        let len = check_token(token)?.len();
        let mut bytes = [0; Self::MAX_TOKEN];
        for (to, from) in bytes.iter_mut().zip(token) {
            *to = *from;
        }
        Ok(Self {
            token: bytes,
            len,
            newest: None,
        })
    }

    /// With a fresh Token of 8 bytes.
    ///
    /// # Errors
    /// [`Error::Random`] if the generator fails.
    pub fn random(rng: &mut impl TryCryptoRng) -> Result<Self> {
        let mut token = [0; Self::MAX_TOKEN];
        rng.try_fill_bytes(&mut token).map_err(|_| Error::Random)?;
        Self::new(&token)
    }

    /// The Token.
    #[must_use]
    pub fn token(&self) -> &[u8] {
        self.token.get(..self.len).unwrap_or_default()
    }

    /// Step 10: within an observation the kid stays and (j, PIV) rises.
    pub(crate) fn check(&self, origin: &Origin) -> Result<()> {
        match self.newest {
            Some((kid, session, piv))
                if kid != origin.kid || (origin.context.session, origin.piv) <= (session, piv) =>
            {
                Err(Error::Replay)
            }
            _ => Ok(()),
        }
    }

    /// Step 11.
    pub(crate) fn advance(&mut self, origin: &Origin) {
        self.newest = Some((origin.kid, origin.context.session, origin.piv));
    }
}

/// A Token that may bind a response: 4 to 8 bytes.
pub(crate) fn check_token(token: &[u8]) -> Result<&[u8]> {
    match token.len() {
        Exchange::MIN_TOKEN..=Exchange::MAX_TOKEN => Ok(token),
        _ => Err(Error::Binding),
    }
}
