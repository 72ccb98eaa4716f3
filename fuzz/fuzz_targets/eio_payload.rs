//! Any bytes into `socketio::fuzzing::eio_payload`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socketio::fuzzing::eio_payload(bytes));
