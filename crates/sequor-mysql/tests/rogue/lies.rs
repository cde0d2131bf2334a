//! Answers that are wrong, hostile or endless: a typed error, a bounded buffer, no panic.

use crate::script::*;
use sequor_core::driver::{Batch, Connection, Discard, Flow, Param, RowReader, RowSink, Status, Step};
use sequor_core::error::ConnectionErrorKind as K;
use sequor_core::types::{BindType, ColumnType};
use sequor_core::{Error, Result, Value};

/// Reads every cell in every way.
struct Curious;

impl RowSink for Curious {
    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        for index in (0..=row.len()).chain([0, 1]) {
            let _ = row.is_null(index);
            let _ = row.bool(index);
            let _ = row.i64(index);
            let _ = row.u64(index);
            let _ = row.f64(index);
            let _ = row.decimal(index);
            let _ = row.text(index).map(|text| text.map(str::len));
            let _ = row.bytes(index).map(|bytes| bytes.map(<[u8]>::len));
            let _ = row.uuid(index);
            let _ = row.date_time(index);
            let _ = row.naive_date_time(index);
            let _ = row.date(index);
            let _ = row.time(index);
            let _ = row.json(index).map(|text| text.map(str::len));
            let _ = row.value(index, &ColumnType::Json(true));
            let _ = row.any(index);
        }
        Ok(Flow::Continue)
    }
}

async fn query(c: &mut dyn Connection, text: &str, params: Vec<Param>) -> Result<()> {
    c.run(Batch::one(Step::query(text, params, Box::new(Curious)))).await.map(drop)
}

fn number() -> Vec<Param> {
    vec![Param { value: Value::I64(1), bind: BindType::default() }]
}

/// The answer to a prepare of a statement with one parameter and two columns.
fn prepared() -> Vec<u8> {
    [packet(1, &[0, 9, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0]), definition(2, "?", 8), definition(3, "a", 8), definition(4, "b", 253)].concat()
}

/// Two rows of a number and a text.
fn rows() -> Vec<u8> {
    let row = |number: u8| [&[0, 0, number, 0, 0, 0, 0, 0, 0, 0, 3][..], b"abc"].concat();
    [packet(1, &[2]), definition(2, "a", 8), definition(3, "b", 253), packet(4, &row(1)), packet(5, &row(2)), end(6, 2)].concat()
}

/// A server that prepares a statement and answers its execution with these bytes.
async fn answering(bytes: Vec<u8>) -> Rogue {
    let mut script = welcome();
    script.extend([Act::Hear, Act::Say(prepared()), Act::Hear, Act::Say(bytes), Act::Close]);
    Rogue::plays(script).await
}

#[tokio::test]
async fn a_server_that_asks_for_a_file_gets_nothing() {
    for file in ["/etc/passwd", "", "C:\\x"] {
        let ask = packet(1, &[&[0xfb][..], file.as_bytes()].concat());
        let mut script = welcome();
        script.extend([Act::Hear, Act::Say(prepared()), Act::Hear, Act::Say(ask.clone()), Act::Silence]);
        let rogue = Rogue::plays(script).await;
        let mut connection = rogue.connect().await.unwrap();
        let error = query(&mut *connection, "insert into t values (?)", number()).await.unwrap_err();
        assert!(matches!(kind(&error), K::Protocol | K::CommitUnknown), "{error}");
        assert_eq!(connection.status(), Status::Broken);
        connection.close().await;
        let heard = rogue.heard().await;
        assert!(!contains(&heard, b"root:") && heard.ends_with(&[1, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0]), "{heard:?}");

        let mut script = welcome();
        script.extend([Act::HearPart(b"set @a = 1"), Act::Say(ask), Act::Silence]);
        let rogue = Rogue::plays(script).await;
        let mut connection = rogue.connect().await.unwrap();
        assert!(connection.run(Batch::one(Step::execute("set @a = 1", vec![]))).await.is_err());
        assert_eq!(connection.status(), Status::Broken);
        drop(connection);
        assert!(rogue.heard().await.ends_with(b"\x03set @a = 1"));
    }
}

#[tokio::test]
async fn the_rows_of_the_script_are_read() {
    let rogue = answering(rows()).await;
    let mut connection = rogue.connect().await.unwrap();
    let done = connection.run(Batch::one(Step::query("select ?", number(), Box::new(Discard)))).await.unwrap();
    assert_eq!(done[0].affected, 2);
}

#[tokio::test]
async fn every_prefix_of_an_answer_is_an_error() {
    let whole = rows();
    for end in 0..whole.len() {
        let rogue = answering(whole[..end].to_vec()).await;
        let mut connection = rogue.connect().await.unwrap();
        let error = query(&mut *connection, "select ?", number()).await.unwrap_err();
        assert_eq!(kind(&error), K::Broken, "{end}: {error}");
        assert_eq!(connection.status(), Status::Broken);
    }
}

#[tokio::test]
async fn every_flipped_byte_of_an_answer_is_an_error_or_another_row() {
    let whole = rows();
    for place in 0..whole.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut flipped = whole.clone();
            flipped[place] ^= mask;
            let rogue = answering(flipped).await;
            let mut connection = rogue.connect().await.unwrap();
            match query(&mut *connection, "select ?", number()).await {
                // A flipped flag may say that a transaction is open, or that the session was changed.
                Ok(()) => assert!(matches!(connection.status(), Status::Idle | Status::InTransaction | Status::Unknown)),
                Err(Error::Connection(_)) => assert_eq!(connection.status(), Status::Broken, "{place} {mask}"),
                Err(_) => {}
            }
        }
    }
}

#[tokio::test]
async fn noise_is_an_error() {
    let mut seed = 42u64;
    for round in 0..300 {
        let mut noise = Vec::new();
        for _ in 0..40 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let length = usize::try_from(seed >> 60).unwrap();
            let body: Vec<u8> = (0..length).map(|place| seed.rotate_left(u32::try_from(place * 5).unwrap()).to_le_bytes()[0]).collect();
            // Frames in order, so that the noise is heard.
            noise.extend(packet(u8::try_from(noise.len() % 3).unwrap().wrapping_add(1), &body));
        }
        let rogue = answering(noise).await;
        let mut connection = rogue.connect().await.unwrap();
        let _ = query(&mut *connection, "select ?", number()).await;
        assert!(connection.status() != Status::Unknown, "{round}");
    }
}

#[tokio::test]
async fn hostile_answers_are_refused_one_by_one() {
    for (name, bytes) in [
        ("an OK that is cut", packet(1, &[0, 0])),
        ("an empty packet", packet(1, &[])),
        ("another number", packet(2, &[0, 0, 0, 2, 0, 0, 0])),
        ("too many columns", packet(1, &[0xfc, 0xff, 0xff])),
        ("columns without number", packet(1, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
        ("other columns than announced", [packet(1, &[1]), packet(2, b"x")].concat()),
        ("a packet that joins nothing", [&[0xff, 0xff, 0xff, 1][..], &[0; 100]].concat()),
        ("a promise of 16 MiB", [&[0xfe, 0xff, 0xff, 1][..], b"x"].concat()),
    ] {
        let rogue = answering(bytes).await;
        let mut connection = rogue.connect().await.unwrap();
        let error = query(&mut *connection, "select ?", number()).await.unwrap_err();
        assert!(matches!(kind(&error), K::Protocol | K::Broken), "{name}: {error}");
        assert_eq!(connection.status(), Status::Broken, "{name}");
    }
}

#[tokio::test]
async fn messages_that_are_no_text_are_shown_as_far_as_they_can_be() {
    let message = [&[0xff, 0x28, 4, b'#'][..], b"HY000", &[0xff, 0xfe, 0x1b, b'[', 0, b'x']].concat();
    for end in 1..=message.len() {
        let rogue = answering(packet(1, &message[..end])).await;
        let mut connection = rogue.connect().await.unwrap();
        let error = query(&mut *connection, "select ?", number()).await.unwrap_err();
        assert!(matches!(error, Error::Database { .. }), "{error}");
    }
}
