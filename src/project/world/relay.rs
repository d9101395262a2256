//! A connection to a server that can't hold us up: all that it says has a bound, and all of it an end in time, however it is said. A client
//! that knows neither talks to a port of this machine instead, behind which the bytes go to the server and back as they are.
//!
//! Nothing is understood here, so that encryption goes from end to end.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// The most that a server may say while it is handed something, in bytes: some hundred times what there is to say.
const MOST: u64 = 1 << 20;

/// Why a connection was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Its time was over.
    Late,
    /// The server said too much.
    TooMuch,
}

/// Connects to the first address of a server that answers, each within so much time.
pub(super) fn connect(host: &str, port: u16, limit: Duration) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(ErrorKind::NotFound, "it has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Gives a client the port of this machine behind which a server is, and cuts the connection once so much time is over. Gives what came of
/// it, and why the connection was cut if it was.
pub(super) fn through<T>(server: &TcpStream, whole: Duration, client: impl FnOnce(u16) -> T) -> std::io::Result<(T, Option<Cut>)> {
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = door.local_addr()?;
    let (end, cut) = (Instant::now() + whole, OnceLock::new());
    let came = thread::scope(|scope| {
        scope.spawn(|| {
            let Ok((client, _)) = door.accept() else { return };
            thread::scope(|scope| {
                scope.spawn(|| copy(&client, server));
                if let Some(why) = guarded(server, &client, end) {
                    let _ = cut.set(why);
                }
                close(&client);
                close(server);
            });
        });
        let came = client(address.port());
        close(server);
        // A client that never came is waited for no longer.
        drop(TcpStream::connect(address));
        came
    });
    Ok((came, cut.into_inner()))
}

/// Hands on what a server says, up to the bounds.
fn guarded(mut from: &TcpStream, mut to: &TcpStream, end: Instant) -> Option<Cut> {
    let (mut bytes, mut said) = ([0; 4096], 0);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Some(Cut::Late);
        }
        from.set_read_timeout(Some(left)).ok()?;
        let count = match from.read(&mut bytes) {
            Ok(0) => return None,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => continue,
            Err(_) => return None,
        };
        said += count as u64;
        if said > MOST {
            return Some(Cut::TooMuch);
        }
        to.write_all(bytes.get(..count)?).ok()?;
    }
}

/// Hands on what a client says; the end of the connection ends that.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn close(stream: &TcpStream) {
    // One that is closed already is fine.
    let _ = stream.shutdown(Shutdown::Both);
}
