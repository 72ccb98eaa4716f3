//! Offers, taken and passed over (RFC 7692 7.1, threats F5, H6).

use super::*;

/// What is answered to one header, `-` for nothing.
fn check(offers: &str, expected: &str) {
    check_with(&DeflatePolicy::default(), offers, expected);
}

fn check_with(policy: &DeflatePolicy, offers: &str, expected: &str) {
    let answer = negotiate([offers], policy).map(|it| it.header_value());
    assert_eq!(answer.as_deref().unwrap_or("-"), expected, "{offers:?}");
}

const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

#[test]
fn what_browsers_offer_is_taken_without_context() {
    check("permessage-deflate", PLAIN);
    check("permessage-deflate; client_max_window_bits", PLAIN);
    check("Permessage-Deflate ; client_max_window_bits = 12", PLAIN);
    check("permessage-deflate; client_no_context_takeover; server_no_context_takeover", PLAIN);
}

#[test]
fn a_window_the_client_asks_for_is_named_in_the_answer() {
    for bits in 9..=15 {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        check(&offer, &format!("{PLAIN}; server_max_window_bits={bits}"));
        let params = negotiate([offer.as_str()], &DeflatePolicy::default()).unwrap();
        assert_eq!(params.server_window_bits, bits);
    }
    let quoted = "permessage-deflate; server_max_window_bits=\"10\"";
    check(quoted, &format!("{PLAIN}; server_max_window_bits=10"));
}

#[test]
fn a_window_we_want_smaller_is_named_too() {
    let small = DeflatePolicy { window_bits_max: 11, ..DeflatePolicy::default() };
    check_with(&small, "permessage-deflate", &format!("{PLAIN}; server_max_window_bits=11"));
    let both = "permessage-deflate; server_max_window_bits=13";
    check_with(&small, both, &format!("{PLAIN}; server_max_window_bits=11"));
}

#[test]
fn context_is_kept_only_if_the_policy_and_the_client_wish() {
    let keep = DeflatePolicy { takeover: true, ..DeflatePolicy::default() };
    check_with(&keep, "permessage-deflate", "permessage-deflate");
    check_with(
        &keep,
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover",
    );
    check_with(
        &keep,
        "permessage-deflate; client_no_context_takeover",
        "permessage-deflate; client_no_context_takeover",
    );
}

#[test]
fn the_first_acceptable_offer_is_taken() {
    check("x-webkit-deflate-frame, permessage-deflate", PLAIN);
    check("permessage-deflate; server_max_window_bits=8, permessage-deflate", PLAIN);
    check(
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        &format!("{PLAIN}; server_max_window_bits=10"),
    );
    let headers = ["permessage-bzip2", "permessage-deflate; x", "permessage-deflate"];
    assert!(negotiate(headers, &DeflatePolicy::default()).is_some());
}

#[test]
fn what_is_wrong_or_strange_is_passed_over() {
    // H6 and F5: names that are properties of every object in JavaScript, and windows that took
    // other servers down.
    let offers = [
        "",
        ",",
        ";",
        "=",
        "permessage-deflat",
        "permessage-deflate-2",
        "permessage-bzip2",
        "constructor",
        "__proto__",
        "toString",
        "hasOwnProperty",
        "Object.prototype",
        "valueOf; toString",
        "permessage-deflate; constructor",
        "permessage-deflate; __proto__=1",
        "permessage-deflate; unknown",
        "permessage-deflate;",
        "permessage-deflate; ; client_max_window_bits",
        "permessage-deflate; SERVER_NO_CONTEXT_TAKEOVER",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover=",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=abc",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=-1",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=1e1",
        "permessage-deflate; server_max_window_bits=10.0",
        "permessage-deflate; server_max_window_bits=99999999999999999999",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=abc",
        "permessage-deflate; client_max_window_bits=-1",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=\"10",
        "permessage-deflate; client_max_window_bits=10\"",
        "permessage-deflate; client_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=\"1 0\"",
        "permessage-deflate; client_max_window_bits='10'",
        "permessage-deflate; client_max_window_bits=\"a,b\"",
        "permessage-deflate; client_max_window_bits=\"a;b\"",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-déflate",
        "\u{fffd}",
    ];
    for offer in offers {
        check(offer, "-");
    }
}

#[test]
fn a_long_list_costs_its_length() {
    // H5: ReDoS by blanks.
    let blanks = format!("permessage-deflate{};{}x", " ".repeat(32_000), " ".repeat(32_000));
    check(&blanks, "-");
    check(&"permessage-deflate; x,".repeat(700), "-");
}
