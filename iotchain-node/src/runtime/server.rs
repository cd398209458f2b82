//! A role as a running server.

use super::{
    Loss, NetError,
    core::{Core, Event, Port, Queue},
    random,
};
use crate::{
    coap::{Endpoint, Limits, Service, Transmission},
    dtls::{Bounds, Listener, ServerConfig},
};
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How often a receiving thread looks whether it should stop.
const STOP_POLL: Duration = Duration::from_millis(100);

/// The largest UDP datagram in bytes.
const DATAGRAM_MAX: usize = 65_535;

/// Where servers come from.
pub struct Server;

impl Server {
    /// Starts to describe a server for `service`.
    pub fn builder<S: Service + 'static>(service: S) -> Builder<S> {
        Builder {
            service,
            coap: None,
            coaps: None,
            limits: Limits::default(),
            transmission: Transmission::default(),
            bounds: Bounds::default(),
            loss: None,
        }
    }
}

/// A server not yet running.
pub struct Builder<S> {
    service: S,
    coap: Option<SocketAddr>,
    coaps: Option<(SocketAddr, ServerConfig)>,
    limits: Limits,
    transmission: Transmission,
    bounds: Bounds,
    loss: Option<Loss>,
}

impl<S: Service + 'static> Builder<S> {
    /// Serves plain CoAP; port 0 lets the system choose.
    pub fn coap(mut self, addr: SocketAddr) -> Self {
        self.coap = Some(addr);
        self
    }

    /// Serves CoAP over DTLS; port 0 lets the system choose.
    pub fn coaps(mut self, addr: SocketAddr, config: ServerConfig) -> Self {
        self.coaps = Some((addr, config));
        self
    }

    /// Sets the bounds of the CoAP endpoint.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how confirmable messages are repeated.
    pub fn transmission(mut self, transmission: Transmission) -> Self {
        self.transmission = transmission;
        self
    }

    /// Sets the bounds of the DTLS sessions.
    pub fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Loses datagrams on purpose.
    pub fn loss(mut self, loss: Option<Loss>) -> Self {
        self.loss = loss;
        self
    }

    /// Binds the sockets and starts the threads.
    ///
    /// # Errors
    /// [`NetError::Address`] for an address that cannot be bound, [`NetError::OpenSsl`] for an unusable DTLS
    /// configuration, [`NetError::Random`], [`NetError::Thread`].
    pub fn spawn(self) -> Result<Handle, NetError> {
        let now = Instant::now();
        let (queue, events) = Queue::new();
        let wake = queue.clone();
        let seed = random()?;
        let wake = Box::new(move || wake.send(Event::Wake));
        let endpoint = Endpoint::new(
            self.service,
            self.limits,
            self.transmission,
            &seed,
            now,
            wake,
        )?;
        let coap = self.coap.map(bind).transpose()?;
        let (coaps, listener) = match self.coaps {
            Some((addr, config)) => {
                let listener = Listener::new(&config, self.bounds, &random()?, now)?;
                (Some(bind(addr)?), Some(listener))
            }
            None => (None, None),
        };
        let mut handle = Handle {
            coap: coap.as_ref().map(local).transpose()?,
            coaps: coaps.as_ref().map(local).transpose()?,
            notifier: Notifier(queue.clone()),
            stop: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
        };
        for (port, socket) in [(Port::Coap, &coap), (Port::Coaps, &coaps)] {
            if let Some(socket) = socket {
                let socket = socket.try_clone().map_err(NetError::Thread)?;
                let (queue, stop) = (queue.clone(), handle.stop.clone());
                handle.start("coap-receive", move || {
                    receive(&socket, port, &queue, &stop)
                })?;
            }
        }
        let core = Core::new(endpoint, listener, coap, coaps, self.loss);
        handle.start("coap-serve", move || core.run(&events))?;
        Ok(handle)
    }
}

/// Tells observers of a running server that a resource changed. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Notifier(Queue);

impl Notifier {
    /// Notifies the observers of `path`, such as `ace-group/0001.deadbeef/bc`.
    pub fn notify(&self, path: &str) {
        self.0.send(Event::Notify(path.to_owned()));
    }
}

/// A running server; dropping it stops it.
pub struct Handle {
    coap: Option<SocketAddr>,
    coaps: Option<SocketAddr>,
    notifier: Notifier,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Handle {
    /// Where plain CoAP is served.
    pub fn coap_addr(&self) -> Option<SocketAddr> {
        self.coap
    }

    /// Where CoAP over DTLS is served.
    pub fn coaps_addr(&self) -> Option<SocketAddr> {
        self.coaps
    }

    /// Notifies the observers of a path.
    pub fn notify(&self, path: &str) {
        self.notifier.notify(path);
    }

    /// Something other threads can notify with.
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// Whether the server still serves; `false` after a panic of its service.
    pub fn is_serving(&self) -> bool {
        self.threads.iter().all(|t| !t.is_finished())
    }

    /// Says goodbye to every association and waits until all threads have ended.
    pub fn shutdown(self) {
        drop(self);
    }

    fn start(&mut self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), NetError> {
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(NetError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.notifier.0.send(Event::Stop);
        for thread in self.threads.drain(..) {
            // A panic of the service has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

fn bind(addr: SocketAddr) -> Result<UdpSocket, NetError> {
    let bind = || {
        let socket = UdpSocket::bind(addr)?;
        socket.set_read_timeout(Some(STOP_POLL))?;
        Ok(socket)
    };
    bind().map_err(|source| NetError::Address {
        addr: addr.to_string(),
        source,
    })
}

fn local(socket: &UdpSocket) -> Result<SocketAddr, NetError> {
    socket.local_addr().map_err(|source| NetError::Address {
        addr: "a bound socket".to_owned(),
        source,
    })
}

/// Passes on what arrives; a full queue loses it, as a full socket buffer would.
fn receive(socket: &UdpSocket, port: Port, queue: &Queue, stop: &AtomicBool) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    while !stop.load(Ordering::Relaxed) {
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                let datagram = buffer.get(..length).unwrap_or_default().to_vec();
                queue.datagram(port, from, datagram);
            }
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) => {}
            // Errors of a datagram socket concern single datagrams; the pause keeps a persistent one from spinning.
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}
