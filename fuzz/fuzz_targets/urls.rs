//! URLs of every database, and scripts.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    sequor_postgres::fuzzing::url(text);
    sequor_mysql::fuzzing::url(text);
    sequor_mysql::fuzzing::script(text);
    let _ = sequor_sqlite::SqliteOptions::parse(text);
});
