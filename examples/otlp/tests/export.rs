//! The example against a scripted collector: what arrives there are Sequor's spans and metrics, by OpenTelemetry's names.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Takes requests, answers each with 200 and hands its path and body on.
fn collect(listener: &TcpListener, heard: &Sender<(String, Vec<u8>)>) -> std::io::Result<()> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                break;
            }
            let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let mut length = 0;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header)?;
                if header.trim().is_empty() {
                    break;
                }
                if let Some((name, value)) = header.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
                    length = value.trim().parse().unwrap_or_else(|_| panic!("{name}"));
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n")?;
            let _ = heard.send((path, body));
        }
    }
    Ok(())
}

#[test]
fn spans_and_metrics_arrive_at_a_collector() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, heard) = channel();
    std::thread::spawn(move || collect(&listener, &sender));
    let output = Command::new(env!("CARGO_BIN_EXE_otlp")).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).output().expect("the example runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "10 notes\n");
    let (mut traces, mut metrics) = (Vec::new(), Vec::new());
    while let Ok((path, body)) = heard.recv_timeout(Duration::from_millis(500)) {
        match path.as_str() {
            "/v1/traces" => traces.extend(body),
            "/v1/metrics" => metrics.extend(body),
            other => panic!("{other}"),
        }
    }
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    for text in ["INSERT notes", "SELECT notes", "transaction", "db.system.name", "sqlite", "db.query.text", "code.file.path"] {
        assert!(holds(&traces, text), "no span holds {text}");
    }
    for text in ["db.client.operation.duration", "db.client.connection.count", "db.client.connection.wait_time", "Note"] {
        assert!(holds(&metrics, text), "no metric holds {text}");
    }
    // Values are shown on request only.
    assert!(!holds(&traces, "note 7") && !holds(&metrics, "note 7"));
}
