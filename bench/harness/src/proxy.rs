//! A relay that makes a network of a loopback: each direction takes half of a round trip.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// The port of a relay to `port` on this machine that adds `round_trip`. It runs on threads, whose sleeps are finer than a runtime's timer.
pub fn delayed(port: u16, round_trip: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let own = listener.local_addr().expect("a bound address").port();
    spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let (Ok(near_again), Ok(far_again)) = (near.try_clone(), far.try_clone()) else { return };
            way(near, far, round_trip / 2);
            way(far_again, near_again, round_trip / 2);
        }
    });
    own
}

fn way(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = channel::<(Instant, Vec<u8>)>();
    spawn(move || {
        let mut buffer = vec![0; 1 << 18];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if sender.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    spawn(move || {
        for (at, bytes) in receiver {
            sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
