//! The corpus, and many small changes to it.

use sequor_tools::corpus::{seeds, shake};

#[test]
fn no_answer_of_a_server_panics_a_decoder() {
    let read: usize = seeds("mysql_answers").unwrap().iter().map(|seed| super::answers(seed)).sum();
    assert!(read > 15, "the seeds hold {read} rows only");
    shake("mysql_answers", |bytes| {
        super::answers(bytes);
    })
    .unwrap();
}

#[test]
fn no_url_and_no_script_panics_its_parser() {
    shake("urls", |bytes| {
        super::url(&String::from_utf8_lossy(bytes));
        super::script(&String::from_utf8_lossy(bytes));
    })
    .unwrap();
}
