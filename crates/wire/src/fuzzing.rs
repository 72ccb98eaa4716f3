//! One entry point for each fuzz target.
