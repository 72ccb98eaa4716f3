//! How one value is read from TOML, and how it is shown in the documentation.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use limits::Rate;
use toml::{Spanned, de::DeValue};

use crate::{
    fault::{Wrong, suggest},
    units::{self, Bytes},
};

/// A value as it stands in the file, with its place.
pub(crate) type Raw<'a> = Spanned<DeValue<'a>>;

/// Something a key can hold.
pub(crate) trait Value: Sized {
    /// What the documentation calls it, without an article.
    fn kind() -> String;

    /// Reads it, or says everything that is wrong with it.
    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>>;

    /// As it would be written in the file.
    fn show(&self) -> String;
}

/// One of a few words.
pub(crate) trait Choice: Copy + PartialEq + Sized + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Choice> Value for T {
    fn kind() -> String {
        let words: Vec<String> = T::WORDS.iter().map(|it| format!("`\"{}\"`", it.0)).collect();
        words.join(" or ")
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let words: Vec<&str> = T::WORDS.iter().map(|it| it.0).collect();
        let written = text(raw, "one of a few words", &suggest("", &words))?;
        let found = T::WORDS.iter().find(|it| it.0 == written).map(|it| it.1);
        found.ok_or_else(|| {
            vec![Wrong::new(format!("{written:?} is not known"), suggest(written, &words))]
        })
    }

    fn show(&self) -> String {
        let word = T::WORDS.iter().find(|it| it.1 == *self).map_or("", |it| it.0);
        format!("\"{word}\"")
    }
}

/// The text of a string value; anything else is the wrong kind.
pub(crate) fn text<'r>(
    raw: &'r Raw<'_>,
    wanted: &str,
    remedy: &str,
) -> Result<&'r str, Vec<Wrong>> {
    raw.get_ref().as_str().ok_or_else(|| vec![mismatch(raw, wanted, remedy)])
}

/// A value of the wrong kind. Says the kind and not the value, which may be a misplaced secret.
pub(crate) fn mismatch(raw: &Raw<'_>, wanted: &str, remedy: &str) -> Wrong {
    let found = match raw.get_ref() {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Wrong::new(format!("{found} stands where {wanted} is expected"), remedy)
}

/// Reads text through a parser of ours; numbers are told that they lack their unit.
fn with_unit<T>(
    raw: &Raw<'_>,
    parse: fn(&str) -> Result<T, Wrong>,
    remedy: &str,
    wanted: &str,
) -> Result<T, Vec<Wrong>> {
    if let DeValue::Integer(number) = raw.get_ref() {
        return Err(vec![Wrong::new(format!("{number} has no unit"), remedy)]);
    }
    parse(text(raw, wanted, remedy)?).map_err(|it| vec![it])
}

impl Value for Duration {
    fn kind() -> String {
        "duration".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        with_unit(raw, units::duration, units::DURATION_REMEDY, "a duration")
    }

    fn show(&self) -> String {
        format!("\"{}\"", units::show_duration(*self))
    }
}

impl Value for Bytes {
    fn kind() -> String {
        "size".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        with_unit(raw, units::size, units::SIZE_REMEDY, "a size")
    }

    fn show(&self) -> String {
        format!("\"{}\"", units::show_size(self.0))
    }
}

impl Value for Rate {
    fn kind() -> String {
        "rate".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        with_unit(raw, units::rate, units::RATE_REMEDY, "a rate")
    }

    fn show(&self) -> String {
        format!("\"{}\"", units::show_rate(*self))
    }
}

impl Value for u32 {
    fn kind() -> String {
        "count".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write a whole number without quotes, such as 5.";
        let DeValue::Integer(number) = raw.get_ref() else {
            return Err(vec![mismatch(raw, "a count", remedy)]);
        };
        Self::from_str_radix(number.as_str(), number.radix()).map_err(|_| {
            let range = format!("Write a whole number from 0 to {}.", Self::MAX);
            vec![Wrong::new(format!("{number} is out of range"), range)]
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for bool {
    fn kind() -> String {
        "`true` or `false`".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write true or false, without quotes.";
        raw.get_ref().as_bool().ok_or_else(|| vec![mismatch(raw, "true or false", remedy)])
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    fn kind() -> String {
        "text".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write it in quotes.";
        let text = text(raw, "text", remedy)?;
        if text.is_empty() {
            return Err(vec![Wrong::new(
                "the text is empty",
                "Write something, or leave the key out.",
            )]);
        }
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        format!("{self:?}")
    }
}

impl Value for PathBuf {
    fn kind() -> String {
        "path".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        String::read(raw).map(Self::from)
    }

    fn show(&self) -> String {
        format!("\"{}\"", self.display())
    }
}

impl Value for SocketAddr {
    fn kind() -> String {
        "address and port".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write an address and a port, such as \"127.0.0.1:8000\" or \"[::]:8000\".";
        let text = text(raw, "an address and a port", remedy)?;
        let bad = |_| vec![Wrong::new(format!("{text:?} is not an address and a port"), remedy)];
        // The name most people write; resolving others would make loading depend on the network.
        text.replace("localhost:", "127.0.0.1:").parse().map_err(bad)
    }

    fn show(&self) -> String {
        format!("\"{self}\"")
    }
}

/// `"none"` switches off what has a default.
impl<T: Value> Value for Option<T> {
    fn kind() -> String {
        format!("{} or `\"none\"`", T::kind())
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        if raw.get_ref().as_str() == Some("none") { Ok(None) } else { T::read(raw).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "\"none\"".to_owned(), T::show)
    }
}

impl<T: Value> Value for Vec<T> {
    fn kind() -> String {
        format!("list of {}", T::kind())
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let DeValue::Array(items) = raw.get_ref() else {
            let remedy = "Write a list in brackets, such as [\"a\", \"b\"].";
            return Err(vec![mismatch(raw, "a list", remedy)]);
        };
        let mut values = Self::new();
        let mut wrongs = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match T::read(item) {
                Ok(value) => values.push(value),
                Err(found) => wrongs.extend(found.into_iter().map(|it| Wrong {
                    below: format!("[{index}]{}", it.below),
                    span: it.span.or(Some(item.span())),
                    ..it
                })),
            }
        }
        if wrongs.is_empty() { Ok(values) } else { Err(wrongs) }
    }

    fn show(&self) -> String {
        let items: Vec<String> = self.iter().map(T::show).collect();
        format!("[{}]", items.join(", "))
    }
}

/// What claims must say: each named claim one of the listed values.
///
/// Values are compared as text: `is_staff = true` and `is_staff = ["true"]` mean the same.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Claims(pub(crate) BTreeMap<String, Vec<String>>);

impl Value for Claims {
    fn kind() -> String {
        "table of claims".to_owned()
    }

    fn read(raw: &Raw<'_>) -> Result<Self, Vec<Wrong>> {
        let remedy = "Write { role = [\"Admin\"] }: a claim's name and the values it may have.";
        let DeValue::Table(table) = raw.get_ref() else {
            return Err(vec![mismatch(raw, "a table of claims", remedy)]);
        };
        let mut claims = BTreeMap::new();
        let mut wrongs = Vec::new();
        for (name, value) in table {
            match allowed(value) {
                Some(allowed) if !allowed.is_empty() => {
                    claims.insert(name.get_ref().to_string(), allowed);
                }
                _ => wrongs.push(Wrong {
                    below: format!(".{}", name.get_ref()),
                    span: Some(value.span()),
                    ..Wrong::new("a claim needs the values it may have", remedy)
                }),
            }
        }
        if wrongs.is_empty() { Ok(Self(claims)) } else { Err(wrongs) }
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "{}".to_owned();
        }
        let claims: Vec<String> =
            self.0.iter().map(|(name, values)| format!("{name} = {}", values.show())).collect();
        format!("{{ {} }}", claims.join(", "))
    }
}

/// A claim's values as text; one value stands for a list of one.
fn allowed(value: &Raw<'_>) -> Option<Vec<String>> {
    if let DeValue::Array(items) = value.get_ref() {
        return items.iter().map(word).collect();
    }
    word(value).map(|it| vec![it])
}

fn word(value: &Raw<'_>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) if !text.is_empty() => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        // Fractions and dates have no one way of being written, and a claim is compared as text.
        DeValue::String(_) | DeValue::Float(_) | DeValue::Datetime(_) => None,
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
