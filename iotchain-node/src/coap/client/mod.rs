//! The blocking client: one server, one request at a time.

mod call;
mod channel;
mod exchange;
mod observation;
mod transfer;

pub use call::{Call, Reply};
pub use observation::Observation;

use super::{
    block::MAX_SZX,
    code::Code,
    dice::Dice,
    limits::Transmission,
    message::{Message, Token},
    option::number,
};
use crate::{
    dtls::{Association, ClientConfig},
    runtime::{Loss, NetError, random},
};
use channel::Channel;
use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

/// How often a client returns an Echo value for one request (spec 2.7).
const ECHO_MAX: usize = 2;

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How confirmable requests are repeated.
    pub transmission: Transmission,
    /// How long to wait for the answer to an acknowledged or non-confirmable request.
    pub response_timeout: Duration,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// Size exponent of the blocks we send and ask for.
    pub szx: u8,
    /// Longest body of an answer in bytes.
    pub max_body: usize,
    /// Datagrams to lose on purpose.
    pub loss: Option<Loss>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            transmission: Transmission::default(),
            response_timeout: Duration::from_secs(90),
            handshake_timeout: Duration::from_secs(30),
            szx: MAX_SZX,
            max_body: 1 << 20,
            loss: None,
        }
    }
}

/// A client of one server.
pub struct Client {
    channel: Channel,
    settings: Settings,
    dice: Dice,
    next_id: u16,
    /// Message IDs we acknowledged, should the acknowledgement be lost.
    acknowledged: VecDeque<u16>,
    /// Token of the observation under way.
    observed: Option<Token>,
    notifications: VecDeque<Message>,
}

impl Client {
    /// A client over plain UDP.
    ///
    /// # Errors
    /// [`NetError::Address`], [`NetError::Random`].
    pub fn udp(server: SocketAddr, settings: Settings) -> Result<Self, NetError> {
        Client::over(Channel::udp(server, &settings)?, settings)
    }

    /// A client over DTLS, after its handshake.
    ///
    /// # Errors
    /// [`NetError::Handshake`] when the server is silent or is not who it should be.
    pub fn dtls(
        server: SocketAddr,
        config: &ClientConfig,
        settings: Settings,
    ) -> Result<Self, NetError> {
        Client::over(Channel::dtls(server, config, &settings)?, settings)
    }

    fn over(channel: Channel, settings: Settings) -> Result<Self, NetError> {
        let mut dice = Dice::new(u64::from_be_bytes(random()?));
        let next_id = dice.roll_u16();
        let (acknowledged, notifications) = (VecDeque::new(), VecDeque::new());
        Ok(Client {
            channel,
            settings,
            dice,
            next_id,
            acknowledged,
            observed: None,
            notifications,
        })
    }

    /// The DTLS association: its channel binding and the server's certificate.
    pub fn association(&self) -> Option<&Arc<Association>> {
        self.channel.association()
    }

    /// From here on, how confirmable requests are repeated.
    pub fn set_transmission(&mut self, transmission: Transmission) {
        self.settings.transmission = transmission;
    }

    /// Makes a request and waits for the whole answer, whatever its code. An Echo challenge is answered up to twice.
    ///
    /// # Errors
    /// [`NetError::Timeout`], [`NetError::Reset`], [`NetError::Closed`]; [`NetError::Protocol`],
    /// [`NetError::Changed`] and [`NetError::TooLarge`] for an answer that cannot be put together.
    pub fn request(&mut self, call: &Call) -> Result<Reply, NetError> {
        call.check()?;
        let mut call = call.clone();
        for _ in 0..ECHO_MAX {
            let reply = self.transfer(&call)?;
            let challenged = call.repeat_after_echo && reply.code == Code::UNAUTHORIZED;
            match reply.echo().filter(|_| challenged) {
                Some(echo) => call.options.set(number::ECHO, echo),
                None => return Ok(reply),
            }
        }
        self.transfer(&call)
    }

    /// GET, and only a 2.05 or 2.03 will do.
    ///
    /// # Errors
    /// As [`Client::request`]; [`NetError::Refused`] for any other code.
    pub fn get(&mut self, target: &str) -> Result<Reply, NetError> {
        let reply = self.request(&Call::get(target))?;
        self.success(reply)
    }

    /// Lets only a success pass.
    fn success(&self, reply: Reply) -> Result<Reply, NetError> {
        if reply.code.is_success() {
            return Ok(reply);
        }
        Err(NetError::Refused {
            peer: self.channel.name(),
            code: reply.code,
        })
    }

    fn broken(&self, what: &'static str) -> NetError {
        NetError::Protocol {
            peer: self.channel.name(),
            what,
        }
    }

    /// A Token nobody can predict: 8 bytes of the operating system's (spec 2.7).
    fn fresh_token(&self) -> Result<Token, NetError> {
        Token::new(&random::<8>()?).ok_or(NetError::Random)
    }

    fn fresh_id(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }
}
