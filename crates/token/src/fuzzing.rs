//! The fuzzers' way in. Runs as a property test here and as a fuzz target in `fuzz/`.

use std::sync::OnceLock;

use proto::UnixTime;

use crate::{Key, Keyring, Rules, Unverified, mint, verify};

/// Whatever the bytes, there is an answer. Half of the inputs are taken for a token as it stands;
/// the others are signed, so that the claims are reached as well.
pub fn tokens(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let rules = rules(*choice);
    let now = UnixTime(1_000);
    let token = match text.split_once('\n') {
        Some((header, payload)) if choice & 1 == 1 => sign(header, payload),
        _ => text.into_owned(),
    };
    if let Ok(unverified) = Unverified::parse(&token, &rules) {
        let _ = unverified.issuer();
    }
    if let Ok(identity) = verify(&token, keys(), &rules, now) {
        assert!(now < identity.expires_at, "an expired token was believed");
        assert!(choice & 1 == 1, "nobody signed this, and it was believed");
    }
    let _ = Keyring::from_jwks(rest);
    let _ = Key::from_jwk(rest);
    let _ = std::str::from_utf8(rest).map(Key::from_pem);
}

fn rules(choice: u8) -> Rules {
    let list = |name: &str| Some(vec![name.to_owned()]);
    Rules {
        issuer: (choice & 2 != 0).then(|| list("https://id.test")).flatten(),
        audience: (choice & 4 != 0).then(|| list("tidegate")).flatten(),
        required: match choice & 8 {
            0 => Vec::new(),
            _ => vec![("token_type".to_owned(), vec!["access".to_owned()])],
        },
        ..Rules::default()
    }
}

fn sign(header: &str, payload: &str) -> String {
    mint::sign(header, payload, &secret()).expect("a secret signs")
}

fn secret() -> Key {
    Key::hmac(b"a secret that only the fuzzers know").expect("it is not empty")
}

/// One key of each family, so that each verification is reached.
fn keys() -> &'static Keyring {
    static KEYS: OnceLock<Keyring> = OnceLock::new();
    KEYS.get_or_init(|| {
        let pems = [
            include_str!("../testdata/rsa.public.pem"),
            include_str!("../testdata/p256.public.pem"),
            include_str!("../testdata/ed25519.public.pem"),
        ];
        let public = pems.into_iter().map(|pem| Key::from_pem(pem).expect("a test key is a key"));
        Keyring::new(public.chain([secret()]).collect()).expect("four keys are a ring")
    })
}
