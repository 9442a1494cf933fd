//! Just enough HTTP/1.1 for a load generator that shares the machine with what it measures:
//! requests are written by hand, of an answer only the status and the length are read.

use crate::failure::Failure;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest answer; more means that something else came back.
const ANSWER_MAX: usize = 1 << 20;
/// How long a request on a connection of its own may wait for its answer.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Writes a POST request into `out`, which is cleared first. `headers` are whole lines.
pub fn post(out: &mut Vec<u8>, path: &str, headers: &str, body: &[u8]) {
    out.clear();
    out.extend_from_slice(b"POST ");
    out.extend_from_slice(path.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n");
    out.extend_from_slice(headers.as_bytes());
    // Writing into memory does not fail.
    let _ = write!(out, "content-length: {}\r\n\r\n", body.len());
    out.extend_from_slice(body);
}

/// An answer inside a buffer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// HTTP status.
    pub status: u16,
    /// Status line and headers.
    pub head: &'a [u8],
    /// Body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// A failure that shows what came instead of a 2xx.
    pub fn expect_success(&self, path: &str) -> Result<(), Failure> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        Err(Failure::other(format!(
            "{path} was answered {}: {}",
            self.status,
            String::from_utf8_lossy(self.body)
        )))
    }

    /// Header lines but those that every server writes by itself.
    pub fn own_headers(&self) -> Vec<(String, String)> {
        String::from_utf8_lossy(self.head)
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| !matches!(*name, "date" | "content-length"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

/// Reads an answer from the beginning of `bytes`; `None`: there is more to come.
pub fn answer(bytes: &[u8]) -> Result<Option<Answer<'_>>, Failure> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return too_long(bytes).map(|()| None);
    };
    let (head, rest) = bytes.split_at(end + 4);
    let status = head
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .ok_or_else(|| Failure::other("the answer has no status"))?;
    let length = content_length(head);
    if let Some(body) = rest.get(..length) {
        return Ok(Some(Answer { status, head, body }));
    }
    too_long(bytes).map(|()| None)
}

fn too_long(bytes: &[u8]) -> Result<(), Failure> {
    if bytes.len() < ANSWER_MAX {
        return Ok(());
    }
    Err(Failure::other("the answer does not end"))
}

fn content_length(head: &[u8]) -> usize {
    head.split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"content-length: "))
        .and_then(|value| std::str::from_utf8(value).ok()?.trim_end().parse().ok())
        .unwrap_or(0)
}

/// One request on a connection of its own, for setting up and for looking afterwards.
pub fn exchange<T>(
    address: SocketAddr,
    request: &[u8],
    read: impl FnOnce(&Answer<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut stream = TcpStream::connect(address).map_err(Failure::other)?;
    let limited = stream.set_read_timeout(Some(WAIT_MAX));
    limited.map_err(Failure::other)?;
    stream.write_all(request).map_err(Failure::other)?;
    let mut bytes = Vec::with_capacity(4_096);
    let mut chunk = [0; 16_384];
    loop {
        if let Some(answer) = answer(&bytes)? {
            return read(&answer);
        }
        match stream.read(&mut chunk).map_err(Failure::other)? {
            0 => return Err(Failure::other("the server closed the connection")),
            count => bytes.extend(chunk.iter().take(count)),
        }
    }
}
