//! What a page of ours may load and where it may connect (R47, R48, D2).

use base64::{Engine, prelude::BASE64_STANDARD};

/// Stands in a page where each answer has a nonce of its own: `<script nonce="{{nonce}}">`.
///
/// Only for pages that hold nothing a user wrote.
pub(crate) const PLACEHOLDER: &str = "{{nonce}}";

/// The policy of all pages, but for what differs from answer to answer.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Further places that pages may connect to.
    connect_also: String,
}

impl Policy {
    /// Each is `scheme://host[:port]`; what could end the directive is left out.
    pub(crate) fn new(connect_also: Vec<String>) -> Self {
        let is_sound = |it: &String| {
            let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-._:/[]*".contains(&it);
            !it.is_empty() && it.bytes().all(is_plain)
        };
        let connect_also = connect_also.into_iter().filter(is_sound).map(|it| format!(" {it}"));
        Self { connect_also: connect_also.collect() }
    }

    /// For a page asked for under `host`: it may open WebSockets to where it came from.
    pub(crate) fn page(&self, host: Option<&str>, nonce: Option<&str>) -> String {
        let scripts = nonce.map(|it| format!(" 'nonce-{it}'")).unwrap_or_default();
        let host = host.filter(|it| is_host(it));
        let sockets = host.map(|it| format!(" ws://{it} wss://{it}")).unwrap_or_default();
        let also = &self.connect_also;
        format!(
            "default-src 'none'; script-src 'self'{scripts}; style-src 'self'; \
             img-src 'self' data:; connect-src 'self'{sockets}{also}; frame-ancestors 'none'; \
             base-uri 'none'; form-action 'self'"
        )
    }
}

/// For everything that is not a page.
pub(crate) const NOT_A_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// 128 random bits; `None` if the system has none to give.
pub(crate) fn nonce() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(BASE64_STANDARD.encode(bytes))
}

/// A name or an address with an optional port, and nothing that could end a directive.
fn is_host(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-._:[]".contains(&it);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_page_may_connect_to_where_it_came_from() {
        let policy = Policy::new(vec![]).page(Some("[::1]:8080"), Some("abc"));
        expect![[r#"default-src 'none'; script-src 'self' 'nonce-abc'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws://[::1]:8080 wss://[::1]:8080; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"#]]
            .assert_eq(&policy);
    }

    #[test]
    fn a_host_that_would_end_the_directive_is_left_out() {
        for host in ["a;script-src *", "a b", "", "a,b", "a\u{e9}", "'self'"] {
            let policy = Policy::new(vec![host.into()]).page(Some(host), None);
            assert!(policy.contains("connect-src 'self'; frame"), "{policy}");
        }
        let also = Policy::new(vec!["wss://ws.example.com".into()]).page(None, None);
        assert!(also.contains("connect-src 'self' wss://ws.example.com;"), "{also}");
    }
}
