//! The fake as an HTTP/1.1 server on the loopback interface: many connections at once, each kept alive.
//! It knows the wire and the faults of the wire; what is answered is the world's.
//! It reads the clock only to say when calls came, for tests of pace.
#![allow(clippy::disallowed_methods)]

use super::{Fault, Faults, Request, Response, World, parse, render};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A call that the server received.
#[derive(Debug, Clone)]
pub struct Call {
    pub service: String,
    pub region: String,
    pub operation: String,
    pub parameters: Value,
    /// When it came, from the start of the server.
    pub at: Duration,
    /// How long it took; nothing as long as it has no answer.
    pub took: Option<Duration>,
    /// What it was answered; nothing where it was not, or not wholly.
    pub status: Option<u16>,
}

/// A running fake of AWS; it stops when it is dropped.
pub struct Server {
    /// The endpoint of all services.
    pub url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    world: Mutex<Arc<World>>,
    faults: Faults,
    latency: Duration,
    started: Instant,
    stopped: AtomicBool,
    calls: Mutex<Vec<Call>>,
    counts: Mutex<BTreeMap<(String, String), usize>>,
    connections: Mutex<Vec<TcpStream>>,
}

impl Server {
    /// Starts answering on a free port. The latency is waited out before each answer.
    pub fn start(world: World, faults: Faults, latency: Duration) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            world: Mutex::new(Arc::new(world)),
            faults,
            latency,
            started: Instant::now(),
            stopped: AtomicBool::new(false),
            calls: Mutex::default(),
            counts: Mutex::default(),
            connections: Mutex::default(),
        });
        let listening = thread::spawn({
            let shared = Arc::clone(&shared);
            move || listen(&listener, &shared)
        });
        Server { url: format!("http://{address}"), address, shared, listening: Some(listening) }
    }

    /// Starts without faults and without latency.
    pub fn of(world: World) -> Server {
        Server::start(world, Faults::none(), Duration::ZERO)
    }

    /// Puts another world in place of the one that is served, as time does.
    pub fn change(&self, world: World) {
        *self.shared.world.lock().unwrap() = Arc::new(world);
    }

    /// All calls so far, in the order in which they came.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The listener waits for a connection: this one lets it see that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        if let Ok(handle) = stream.try_clone() {
            shared.connections.lock().unwrap().push(handle);
        }
        let shared = Arc::clone(shared);
        // An error means that the caller is gone, which is its good right.
        thread::spawn(move || serve(stream, &shared));
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut unread = Vec::new();
    while let Some((head, body)) = receive(&mut stream, &mut unread)? {
        if !shared.respond(&mut stream, &head, &body)? {
            stream.shutdown(Shutdown::Both)?;
            break;
        }
    }
    Ok(())
}

/// The headers of a request by their names in lower case.
type Headers = BTreeMap<String, String>;

/// The next request of the connection; nothing where it was closed.
fn receive(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Option<(Headers, Vec<u8>)>> {
    let mut chunk = [0; 16 * 1024];
    loop {
        if let Some((length, headers)) = head(unread)? {
            let body = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if unread.len() >= length + body {
                let rest = unread.split_off(length + body);
                let request = std::mem::replace(unread, rest);
                return Ok(Some((headers, request[length..].to_vec())));
            }
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(None),
            read => unread.extend_from_slice(&chunk[..read]),
        }
    }
}

/// The length of a request's head and its headers, if all of it is there.
fn head(bytes: &[u8]) -> io::Result<Option<(usize, Headers)>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let httparse::Status::Complete(length) = request.parse(bytes).map_err(invalid)? else {
        return Ok(None);
    };
    let named = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    Ok(Some((length, request.headers.iter().map(named).collect())))
}

impl Shared {
    /// Answers one request; whether the connection stays open.
    fn respond(&self, stream: &mut TcpStream, headers: &Headers, body: &[u8]) -> io::Result<bool> {
        let at = self.started.elapsed();
        let Some(request) = parse(|name| headers.get(name).cloned(), body) else {
            let body = "the request is not signed, or in no protocol that is known".to_owned();
            send(stream, &Response { status: 403, content_type: "text/plain", body })?;
            return Ok(true);
        };
        let call = self.record(&request, at);
        let fault = self.faults.of(&request, self.count(&request));
        thread::sleep(self.latency);
        let world = Arc::clone(&self.world.lock().unwrap());
        let reply = world.reply(&request);
        let reply = match &fault {
            Some(fault) => fault.alter(&request, reply),
            None => reply,
        };
        let mut response = render(&request, &reply);
        match fault {
            Some(Fault::Hang) => {
                // The caller closes the connection, or the end of the server does.
                while stream.read(&mut [0; 1024])? > 0 {}
                return Ok(false);
            }
            Some(Fault::Reset) => {
                let written = written(&response);
                stream.write_all(&written[..written.len() - response.body.len() / 2])?;
                return Ok(false);
            }
            Some(Fault::Truncated) => {
                let middle = response.body.len() / 2;
                let end = (middle..).find(|&at| response.body.is_char_boundary(at));
                response.body.truncate(end.unwrap_or(middle));
            }
            Some(Fault::Garbage) => response.body = "}<\u{1}this is no answer".to_owned(),
            Some(Fault::Delay(delay)) => thread::sleep(delay),
            _ => {}
        }
        // Before it is sent, so that who has the answer also finds it among the calls.
        let mut calls = self.calls.lock().unwrap();
        calls[call].took = Some(self.started.elapsed() - at);
        calls[call].status = Some(response.status);
        drop(calls);
        send(stream, &response)?;
        Ok(true)
    }

    fn record(&self, request: &Request, at: Duration) -> usize {
        let Request { service, region, operation, parameters } = request.clone();
        let mut calls = self.calls.lock().unwrap();
        calls.push(Call { service, region, operation, parameters, at, took: None, status: None });
        calls.len() - 1
    }

    /// How often the operation was called before.
    fn count(&self, request: &Request) -> usize {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry((request.service.clone(), request.operation.clone())).or_default();
        *count += 1;
        *count - 1
    }
}

fn send(stream: &mut TcpStream, response: &Response) -> io::Result<()> {
    stream.write_all(&written(response))
}

fn written(response: &Response) -> Vec<u8> {
    let Response { status, content_type, body } = response;
    let length = body.len();
    format!(
        "HTTP/1.1 {status} \r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
         x-amzn-requestid: b25f48e8-84fd-11e6-80d9-574e0c4664cb\r\n\r\n{body}"
    )
    .into_bytes()
}
