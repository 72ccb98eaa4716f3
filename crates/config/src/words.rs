//! How the types of other crates are written in the file: words, origins, sources, templates.

use admission::{
    Compression, ForwardedHeader, Network, OriginRule, RefusalStyle, TokenSource, normalised_origin,
};
use limits::Mode;
use permission::{PathPattern, Template};
use proto::Dialect;
use toml::de::DeValue;

use crate::{
    fault::{Wrong, suggest},
    value::{Choice, Raw, Value, mismatch, text},
};

impl Choice for Dialect {
    const WORDS: &'static [(&'static str, Self)] =
        &[("plain", Self::Plain), ("native", Self::Native), ("socketio", Self::SocketIo)];
}

impl Choice for RefusalStyle {
    const WORDS: &'static [(&'static str, Self)] =
        &[("status", Self::Status), ("close", Self::Close)];
}

impl Choice for Compression {
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", Self::Off), ("messages", Self::Messages)];
}

impl Choice for ForwardedHeader {
    const WORDS: &'static [(&'static str, Self)] =
        &[("x-forwarded-for", Self::XForwardedFor), ("forwarded", Self::Forwarded)];
}

impl Choice for Mode {
    const WORDS: &'static [(&'static str, Self)] =
        &[("enforce", Self::Enforce), ("observe", Self::Observe)];
}

impl Value for Network {
    fn kind() -> String {
        "network".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write an address or a range, such as \"127.0.0.1\" or \"10.0.0.0/8\".";
        let text = text(raw, "a network", remedy)?;
        Self::parse(text).map_err(|bad| vec![Wrong::new(format!("{text:?}: {bad}"), remedy)])
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Value for PathPattern {
    fn kind() -> String {
        "path pattern".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write a path such as \"/ws/projects/{id}/\".";
        let text = text(raw, "a path pattern", remedy)?;
        Self::parse(text).map_err(|bad| vec![Wrong::new(format!("{text:?}: {bad}"), remedy)])
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

impl Value for Template {
    fn kind() -> String {
        "channel template".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write a channel such as \"news\", \"user:{user}\" or \"project:{id}\".";
        let text = text(raw, "a channel template", remedy)?;
        Self::parse(text).map_err(|bad| vec![Wrong::new(format!("{text:?}: {bad}"), remedy)])
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

const SOURCES: &[&str] = &["query", "bearer", "header", "protocol", "cookie", "message"];

impl Value for TokenSource {
    fn kind() -> String {
        "`\"query:NAME\"` or `\"bearer\"` or `\"header:NAME\"` or `\"protocol\"` or \
         `\"cookie:NAME\"` or `\"message\"`"
            .to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write \"query:token\", \"bearer\", \"header:NAME\", \"protocol\", \"cookie:NAME\" or \
             \"message\".";
        let written = text(raw, "a source of tokens", remedy)?;
        let wrong =
            |what: &str, remedy: &str| vec![Wrong::new(format!("{written:?} {what}"), remedy)];
        let (source, name) = match written.split_once(':') {
            Some((source, name)) => (source, Some(name)),
            None => (written, None),
        };
        let fits = |it: &&str| {
            !it.is_empty() && it.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        let bad_name = "needs a name of letters, digits, _ - and .";
        match (source, name) {
            ("bearer", None) => Ok(Self::Bearer),
            ("protocol", None) => Ok(Self::Protocol),
            ("message", None) => Ok(Self::FirstMessage),
            ("query", name) => {
                let name = Some(name.unwrap_or("token")).filter(fits);
                let name = name.ok_or_else(|| wrong(bad_name, remedy))?;
                Ok(Self::Query(name.to_owned()))
            }
            ("header", name) => {
                let name = name.filter(fits).ok_or_else(|| wrong(bad_name, remedy))?;
                // What holds for cookies is not to be got round.
                if name.eq_ignore_ascii_case("cookie") {
                    return Err(wrong("brings cookies", "Write \"cookie:NAME\"."));
                }
                Ok(Self::Header(name.to_ascii_lowercase()))
            }
            ("cookie", name) => {
                let name = name.filter(fits).ok_or_else(|| wrong(bad_name, remedy))?;
                Ok(Self::Cookie(name.to_owned()))
            }
            ("bearer" | "protocol" | "message", Some(_)) => Err(wrong("takes no name", remedy)),
            _ => Err(wrong("is not known", &suggest(source, SOURCES))),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Query(name) => format!("\"query:{name}\""),
            Self::Bearer => "\"bearer\"".to_owned(),
            Self::Header(name) => format!("\"header:{name}\""),
            Self::Protocol => "\"protocol\"".to_owned(),
            Self::Cookie(name) => format!("\"cookie:{name}\""),
            Self::FirstMessage => "\"message\"".to_owned(),
        }
    }
}

impl Value for OriginRule {
    fn kind() -> String {
        "`\"same\"` or `\"*\"` or list of origins".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write \"same\", \"*\", or a list such as [\"https://app.example.com\"].";
        if let Some(word) = raw.get_ref().as_str() {
            let known = &["same", "*"];
            return match word {
                "same" => Ok(Self::SameOrigin),
                "*" => Ok(Self::Any),
                _ if word.contains("://") => Err(vec![Wrong::new("one origin is no list", remedy)]),
                _ => {
                    let what = format!("{word:?} is not known");
                    Err(vec![Wrong::new(what, suggest(word, known))])
                }
            };
        }
        let DeValue::Array(items) = raw.get_ref() else {
            return Err(vec![mismatch(raw, "a rule for origins", remedy)]);
        };
        if items.iter().any(|it| it.get_ref().as_str() == Some("*")) {
            return Ok(Self::Any);
        }
        let origins = Vec::<Origin>::read(raw)?;
        Ok(Self::Listed(origins.into_iter().map(|it| it.0).collect()))
    }

    fn show(&self) -> String {
        match self {
            Self::SameOrigin => "\"same\"".to_owned(),
            Self::Any => "\"*\"".to_owned(),
            Self::Listed(origins) => origins.show(),
        }
    }
}

/// One origin in the form browsers send it: lower case, no path, no default port (RFC 6454 §6.2).
struct Origin(String);

impl Value for Origin {
    fn kind() -> String {
        "origin".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write it as browsers do: \"https://app.example.com\" or \
                      \"http://localhost:3000\", without a path or a slash at the end.";
        let written = text(raw, "an origin", remedy)?;
        let bad = || vec![Wrong::new(format!("{written:?} is not an origin"), remedy)];
        normalised_origin(written).map(Self).ok_or_else(bad)
    }

    fn show(&self) -> String {
        format!("\"{}\"", self.0)
    }
}
