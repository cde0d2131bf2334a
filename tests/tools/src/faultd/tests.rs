//! The proxy does what it says: otherwise the tests that stand on it would prove nothing.

use super::{End, Fault, Proxy, Way};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// A server that says everything back.
fn echo() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for line in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = std::io::copy(&mut &line, &mut &line);
            });
        }
    });
    Proxy::before(address, 42).unwrap()
}

fn connect(proxy: &Proxy) -> TcpStream {
    let line = TcpStream::connect(proxy.address()).unwrap();
    line.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    line
}

fn said(line: &mut TcpStream, text: &str) -> std::io::Result<String> {
    line.write_all(text.as_bytes())?;
    let mut answer = vec![0; text.len()];
    line.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn what_is_not_broken_passes() {
    let proxy = echo();
    let mut line = connect(&proxy);
    let long = "x".repeat(300_000);
    assert_eq!(said(&mut line, "hello").unwrap(), "hello");
    proxy.set(Way::Down, Fault::Dribble);
    assert_eq!(said(&mut line, "in pieces").unwrap(), "in pieces");
    proxy.heal();
    let mut writer = line.try_clone().unwrap();
    let sent = long.clone();
    let writing = thread::spawn(move || writer.write_all(sent.as_bytes()).unwrap());
    let mut answer = vec![0; long.len()];
    line.read_exact(&mut answer).unwrap();
    writing.join().unwrap();
    assert!(answer == long.as_bytes());
    assert_eq!((proxy.lines(), proxy.opened()), (1, 1));
}

#[test]
fn bytes_are_delayed_held_swallowed_and_turned_over() {
    let proxy = echo();
    let mut line = connect(&proxy);
    proxy.set(Way::Up, Fault::Delay(Duration::from_millis(30), Duration::from_millis(50)));
    let start = Instant::now();
    assert_eq!(said(&mut line, "late").unwrap(), "late");
    assert!(start.elapsed() >= Duration::from_millis(30));
    proxy.set(Way::Up, Fault::Hold);
    assert!(said(&mut line, "held").is_err());
    proxy.heal();
    let mut answer = [0; 4];
    line.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"held");
    proxy.set(Way::Down, Fault::Swallow);
    assert!(said(&mut line, "gone").is_err());
    proxy.heal();
    assert_eq!(said(&mut line, "here").unwrap(), "here");
    proxy.set(Way::Down, Fault::FlipAfter(2));
    line.write_all(b"abc").unwrap();
    line.read_exact(&mut answer[..3]).unwrap();
    assert_eq!(answer[..3], [b'a', b'b', !b'c']);
    assert_eq!(said(&mut line, "right again").unwrap(), "right again");
}

#[test]
fn lines_are_cut_closed_and_refused() {
    let proxy = echo();
    for (fault, expected) in [(Fault::CutAfter(2), None), (Fault::CloseAfter(2), Some(2))] {
        let mut line = connect(&proxy);
        assert_eq!(said(&mut line, "hello").unwrap(), "hello");
        proxy.set(Way::Down, fault);
        line.write_all(b"hello").unwrap();
        let mut answer = Vec::new();
        let read = line.read_to_end(&mut answer);
        assert_eq!(read.ok(), expected, "{fault:?}");
        proxy.heal();
    }
    for (end, expected) in [(End::Reset, false), (End::Closed, true)] {
        let mut line = connect(&proxy);
        assert_eq!(said(&mut line, "hello").unwrap(), "hello");
        assert_eq!(proxy.end_lines(end), 1);
        let mut rest = Vec::new();
        assert_eq!(line.read_to_end(&mut rest).is_ok(), expected, "{end:?}");
    }
    proxy.refuse(true);
    let mut line = connect(&proxy);
    assert!(said(&mut line, "hello").is_err());
    proxy.refuse(false);
    assert_eq!(said(&mut connect(&proxy), "hello").unwrap(), "hello");
    proxy.set(Way::Up, Fault::CloseLate(Duration::from_millis(80)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let late = Proxy::before(listener.local_addr().unwrap(), 1).unwrap();
    late.set(Way::Up, Fault::CloseLate(Duration::from_millis(80)));
    let line = connect(&late);
    let (mut server, _) = listener.accept().unwrap();
    let start = Instant::now();
    drop(line);
    assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[test]
fn a_url_gets_the_proxy_in_its_servers_place() {
    let proxy = echo();
    let address = proxy.address();
    assert_eq!(proxy.url("postgres://ann:a@b@db.example:5432/app?x=1"), format!("postgres://ann:a@b@{address}/app?x=1"));
    assert_eq!(proxy.url("mysql://root@127.0.0.1:3306/app"), format!("mysql://root@{address}/app"));
}
