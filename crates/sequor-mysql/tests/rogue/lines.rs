//! Lines that break: who knows what was stored, and who does not.

use crate::script::*;
use sequor_core::driver::{Batch, Begin, Param, Status, Step};
use sequor_core::error::ConnectionErrorKind as K;
use sequor_core::types::BindType;
use sequor_core::{Error, Value};
use std::time::Duration;

fn number() -> Vec<Param> {
    vec![Param { value: Value::I64(1), bind: BindType::default() }]
}

fn prepared() -> Vec<u8> {
    [packet(1, &[0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), definition(2, "?", 8)].concat()
}

fn then(acts: &[Act]) -> Vec<Act> {
    [welcome(), acts.to_vec()].concat()
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_unknown() {
    let acts = [
        Act::HearPart(b"START TRANSACTION"),
        Act::Say(ok(1, 3)),
        Act::Hear,
        Act::Say(prepared()),
        Act::Hear,
        Act::Say(ok(1, 3)),
        Act::HearPart(b"COMMIT"),
        Act::Close,
    ];
    let rogue = Rogue::plays(then(&acts)).await;
    let mut connection = rogue.connect().await.unwrap();
    connection.begin(Begin::default()).await.unwrap();
    connection.run(Batch::one(Step::execute("insert into t values (?)", number()))).await.unwrap();
    let error = connection.commit().await.unwrap_err();
    assert_eq!(kind(&error), K::CommitUnknown, "{error}");
    assert_eq!(connection.status(), Status::Broken);
}

#[tokio::test]
async fn a_lost_write_is_unknown_and_a_lost_read_is_not() {
    for (text, expected) in [("insert into t values (?)", K::CommitUnknown), ("select ?", K::Broken)] {
        let rogue = Rogue::plays(then(&[Act::Hear, Act::Say(prepared()), Act::Hear, Act::Close])).await;
        let mut connection = rogue.connect().await.unwrap();
        let error = connection.run(Batch::one(Step::execute(text, number()))).await.err().unwrap();
        assert_eq!(kind(&error), expected, "{text}");

        // Before the write itself was sent nothing is at stake.
        let rogue = Rogue::plays(then(&[Act::Hear, Act::Close])).await;
        let mut connection = rogue.connect().await.unwrap();
        let error = connection.run(Batch::one(Step::execute(text, number()))).await.err().unwrap();
        assert_eq!(kind(&error), K::Broken, "{text}");
    }
    // In a transaction a lost write is undone by the server.
    let acts = [Act::Hear, Act::Say(ok(1, 3)), Act::Hear, Act::Say(prepared()), Act::Hear, Act::Close];
    let rogue = Rogue::plays(then(&acts)).await;
    let mut connection = rogue.connect().await.unwrap();
    connection.begin(Begin::default()).await.unwrap();
    let error = connection.run(Batch::one(Step::execute("insert into t values (?)", number()))).await.err().unwrap();
    assert_eq!(kind(&error), K::Broken);
}

#[tokio::test]
async fn a_server_that_says_goodbye_is_heard() {
    let acts = [Act::Hear, Act::Say(prepared()), Act::Hear, Act::Say(refusal(1, 1927, "Connection was killed")), Act::Close];
    let rogue = Rogue::plays(then(&acts)).await;
    let mut connection = rogue.connect().await.unwrap();
    let error = connection.run(Batch::one(Step::execute("select ?", number()))).await.err().unwrap();
    assert_eq!(kind(&error), K::Broken);
    assert_eq!(connection.status(), Status::Broken);

    // Bytes that nobody asked for, and a closed line, are seen without a round trip.
    for last in [Act::Say(refusal(0, 4031, "idle too long")), Act::Close] {
        let rogue = Rogue::plays(then(&[last, Act::Silence])).await;
        let mut connection = rogue.connect().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!connection.is_alive(std::time::Duration::MAX));
    }
}

#[tokio::test]
async fn a_reset_that_gets_no_answer_gives_up_in_time() {
    let rogue = Rogue::plays(then(&[Act::Hear, Act::Say(prepared()), Act::Hear, Act::Silence])).await;
    let mut connection = rogue.connect().await.unwrap();
    let step = Step::execute("select ?", number());
    assert!(tokio::time::timeout(Duration::from_millis(50), connection.run(Batch::one(step))).await.is_err());
    assert_eq!(connection.status(), Status::Unknown);
    let start = std::time::Instant::now();
    assert!(matches!(connection.reset().await.unwrap_err(), Error::Connection(_)));
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(connection.status(), Status::Broken);
}

#[tokio::test]
async fn a_statement_that_the_server_has_lost_is_prepared_once_more() {
    for code in [1615, 1243] {
        let lost = || Act::Say(refusal(1, code, "Unknown prepared statement handler"));
        let acts = [
            Act::HearPart(b"select ?"),
            Act::Say(prepared()),
            Act::Hear,
            Act::Say(ok(1, 2)),
            Act::Hear,
            lost(),
            // The old number is closed, without an answer.
            Act::Hear,
            Act::HearPart(b"select ?"),
            Act::Say(prepared()),
            Act::Hear,
            Act::Say(ok(1, 2)),
            Act::Hear,
            lost(),
            Act::Hear,
            Act::HearPart(b"select ?"),
            Act::Say(prepared()),
            Act::Hear,
            lost(),
        ];
        let rogue = Rogue::plays(then(&acts)).await;
        let mut connection = rogue.connect().await.unwrap();
        for works in [true, true, false] {
            let ran = connection.run(Batch::one(Step::execute("select ?", number()))).await;
            assert_eq!(ran.is_ok(), works, "{code}");
            assert_eq!(connection.status(), Status::Idle);
        }
    }
}
