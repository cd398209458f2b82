//! Ethereum nodes that say what a test wants.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::Value;

/// A node that answers each request with what `answer` makes of it, one after the other; gives its URL.
pub(crate) fn start(mut answer: impl FnMut(&Value) -> Value + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Some(request) = receive(&stream) else {
                continue;
            };
            let start = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let _ = send(&mut stream, start, &answer(&request));
        }
    });
    url
}

/// Passes a request on.
pub(crate) fn ask(url: &str, request: &Value) -> Value {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let start = format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json");
    send(&mut stream, &start, request).unwrap();
    receive(&stream).expect("an answer")
}

fn send(stream: &mut TcpStream, start: &str, body: &Value) -> std::io::Result<()> {
    let body = body.to_string();
    let len = body.len();
    write!(stream, "{start}\r\nContent-Length: {len}\r\n\r\n{body}")
}

/// The body of one message.
fn receive(stream: &TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let mut len = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            len = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
