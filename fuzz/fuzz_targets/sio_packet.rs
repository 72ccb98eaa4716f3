//! Any bytes into `socketio::fuzzing::sio_packet`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| socketio::fuzzing::sio_packet(bytes));
