//! What a server says, through every decoder of the driver.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    sequor_postgres::fuzzing::answers(bytes);
});
