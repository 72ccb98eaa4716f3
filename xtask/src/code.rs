//! Rust source as the rules see it: what strings hold taken out, tests cut off.

use std::iter::Peekable;

/// The source with the same lines, but nothing between the quotes of strings: so that a word in a
/// message is not taken for code, and a snapshot may be as wide as what it shows.
pub(crate) fn without_strings(source: &str) -> String {
    let mut kept = String::with_capacity(source.len());
    let mut rest = source.chars().peekable();
    let mut previous = ' ';
    while let Some(letter) = rest.next() {
        kept.push(letter);
        match letter {
            '/' if previous == '/' => keep_line(&mut rest, &mut kept),
            'r' if !is_word(previous) => skip_raw_string(&mut rest, &mut kept),
            'b' if !is_word(previous) && rest.peek() == Some(&'r') => {
                kept.push('r');
                rest.next();
                skip_raw_string(&mut rest, &mut kept);
            }
            '"' => skip_string(&mut rest, &mut kept),
            '\'' => skip_letter(&mut rest, &mut kept),
            _ => (),
        }
        previous = letter;
    }
    kept
}

/// The source up to its tests, which come last in a file.
pub(crate) fn without_tests(source: &str) -> &str {
    let tests = source.find("\n#[cfg(test)]\nmod tests {");
    tests.map_or(source, |it| &source[..it])
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn keep_line(rest: &mut Peekable<impl Iterator<Item = char>>, kept: &mut String) {
    while let Some(letter) = rest.next_if(|it| *it != '\n') {
        kept.push(letter);
    }
}

fn skip_string(rest: &mut impl Iterator<Item = char>, kept: &mut String) {
    while let Some(letter) = rest.next() {
        match letter {
            '"' => return kept.push('"'),
            '\n' => kept.push('\n'),
            '\\' if rest.next() == Some('\n') => kept.push('\n'),
            _ => (),
        }
    }
}

/// After an `r`: a raw string, if hashes and a quote follow, else nothing.
fn skip_raw_string(rest: &mut Peekable<impl Iterator<Item = char>>, kept: &mut String) {
    let mut hashes = 0;
    while rest.next_if_eq(&'#').is_some() {
        kept.push('#');
        hashes += 1;
    }
    if rest.next_if_eq(&'"').is_none() {
        return;
    }
    kept.push('"');
    let mut closing = None;
    for letter in rest {
        closing = match (letter, closing) {
            ('"', _) => Some(0),
            ('#', Some(count)) => Some(count + 1),
            _ => None,
        };
        if letter == '\n' {
            kept.push('\n');
        }
        if closing == Some(hashes) {
            kept.push('"');
            return;
        }
    }
}

/// After a `'`: a letter in quotes is skipped, a lifetime is left alone.
fn skip_letter(rest: &mut Peekable<impl Iterator<Item = char>>, kept: &mut String) {
    let Some(letter) = rest.next() else { return };
    if letter == '\\' {
        // What is escaped may itself be a quote.
        rest.next();
        while rest.next_if(|it| *it != '\'').is_some() {}
    } else if rest.peek() != Some(&'\'') {
        return kept.push(letter);
    }
    rest.next();
    kept.push('\'');
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_strings_hold_is_taken_out() {
        let source = r##"let a = "todo!() \" \\"; // "comments" stay
let b = r#"todo!() " "#; let c = br"x"; let d = ['"', '\'', '\u{1f}', 'x'];
let e: &'static str = b"long \
  x"; fn f<'a>(for_r: &'a str) {}
r"##;
        expect![[r##"
            let a = ""; // "comments" stay
            let b = r#""; let c = br""; let d = ['', '', '', ''];
            let e: &'static str = b"
            "; fn f<'a>(for_r: &'a str) {}
            r"##]]
        .assert_eq(&without_strings(source));
    }

    #[test]
    fn tests_are_cut_off() {
        assert_eq!(without_tests("fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n"), "fn a() {}\n");
        assert_eq!(
            without_tests("fn a() {}\n#[cfg(test)]\nmod tests;\n"),
            "fn a() {}\n#[cfg(test)]\nmod tests;\n"
        );
    }
}
