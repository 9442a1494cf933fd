//! A line to a server that stands still when it is told to: what a process writes that is stopped in the middle.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Longest time anything is waited for.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Passes connections on to a port of this machine.
pub struct Line {
    port: u16,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What is not let through.
    marker: Option<Vec<u8>>,
    /// Number of the connection that stands still.
    held: Option<usize>,
}

impl Line {
    /// A line to a port; connections are made when they are asked for.
    pub fn to(server: u16) -> Line {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let gate = Arc::new(Gate::default());
        let shared = gate.clone();
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().enumerate() {
                let client = client.unwrap();
                // A server that is away is away to the client too.
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    continue;
                };
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let (there, here) = (shared.clone(), shared.clone());
                std::thread::spawn(move || say(client, server, number, &there));
                std::thread::spawn(move || answer(back.0, back.1, number, &here));
            }
        });
        Line { port, gate }
    }

    /// Where to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on the first client that says this stops just before it, until it is let go. It hears nothing
    /// meanwhile: a process that is stopped does not learn that its connection has ended.
    pub fn hold_before(&self, marker: &[u8]) {
        let mut state = self.gate.lock();
        (state.marker, state.held) = (Some(marker.to_vec()), None);
    }

    /// Waits until a client has stopped.
    pub fn wait_until_held(&self) {
        let (state, waited) = self
            .gate
            .changed
            .wait_timeout_while(self.gate.lock(), WAIT_MAX, |state| state.held.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "nobody said {:?}", state.marker);
    }

    /// Lets everybody go on.
    pub fn let_go(&self) {
        *self.gate.lock() = State::default();
        self.gate.changed.notify_all();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where in `heard` the marker begins, if one is waited for. One that ended within the `known` bytes was let
    /// through before anybody waited for it.
    fn find(&self, heard: &[u8], known: usize) -> Option<usize> {
        let state = self.lock();
        let marker = state.marker.as_ref().filter(|_| state.held.is_none())?;
        let first = known.saturating_sub(marker.len() - 1);
        let found = heard
            .get(first..)?
            .windows(marker.len())
            .position(|part| part == marker.as_slice())?;
        Some(first + found)
    }

    fn hold(&self, connection: usize) {
        self.lock().held = Some(connection);
        self.changed.notify_all();
        self.wait_while_held(connection);
    }

    fn wait_while_held(&self, connection: usize) {
        let held = |state: &mut State| state.held == Some(connection);
        drop(self.changed.wait_while(self.lock(), held));
    }
}

/// Copies what the server says until one side ends, which ends the other.
fn answer(mut from: TcpStream, mut to: TcpStream, connection: usize, gate: &Gate) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = from.read(&mut buffer);
        gate.wait_while_held(connection);
        let Ok(count @ 1..) = read else { break };
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Copies what the client says, up to the marker.
fn say(mut from: TcpStream, mut to: TcpStream, connection: usize, gate: &Gate) {
    let mut buffer = vec![0; 65_536];
    // The end of what went before: a marker may come in two parts.
    let mut before: Vec<u8> = Vec::new();
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let mut rest = &buffer[..count];
        let known = before.len();
        before.extend_from_slice(rest);
        if let Some(start) = gate.find(&before, known) {
            let (first, second) = rest.split_at(start.saturating_sub(known));
            if to.write_all(first).is_err() {
                break;
            }
            gate.hold(connection);
            rest = second;
        }
        before.drain(..before.len().saturating_sub(16));
        if to.write_all(rest).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
