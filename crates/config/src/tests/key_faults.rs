//! What can be wrong with secrets, keys, tokens and certificates, and what is told about it.

use expect_test::expect;

use super::{KEYS, check};

#[test]
fn secrets_are_named_and_never_written() {
    check(
        "[keys.main]\nsecret = \"hunter2\"\n",
        expect![[r#"
            tidegate.toml:2:10: keys.main.secret: a secret is written in the file
                Write { env = "NAME" } or { file = "PATH" }, and treat this one as leaked.
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"NOT_SET\" }\n",
        expect![[r#"
            tidegate.toml:2:10: keys.main.secret: the variable NOT_SET is not set
                Set it, for instance with: export NOT_SET=$(openssl rand -hex 32)
        "#]],
    );
    check(
        "[keys.main]\nsecret = { file = \"not/there\" }\n",
        expect![[r#"
            tidegate.toml:2:19: keys.main.secret.file: FOLDER/not/there cannot be read: No such file or directory (os error 2)
                Check the path and that this user may read it.
        "#]],
    );
    check(
        "[keys.main]\nsecret = { file = \"src\" }\n",
        expect![[r#"
            tidegate.toml:2:19: keys.main.secret.file: FOLDER/src cannot be read: Is a directory (os error 21)
                Check the path and that this user may read it.
        "#]],
    );
    check(
        "[keys.main]\nsecret = {}\n",
        expect![[r#"
            tidegate.toml:2:10: keys.main.secret: needs either env or file
                Write { env = "NAME" } or { file = "PATH" }.
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"A\", file = \"b\" }\n",
        expect![[r#"
            tidegate.toml:2:10: keys.main.secret: needs either env or file
                Write { env = "NAME" } or { file = "PATH" }.
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"hunter 2\" }\n",
        expect![[r#"
            tidegate.toml:2:18: keys.main.secret.env: not the name of a variable
                Write the name of a variable, such as "TIDEGATE_SECRET".
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = 5 }\n",
        expect![[r#"
            tidegate.toml:2:18: keys.main.secret.env: a number stands where text is expected
                Write it in quotes.
        "#]],
    );
}

#[test]
fn a_key_is_exactly_one_thing() {
    check(
        "[keys.main]\n",
        expect![[r#"
            tidegate.toml:1:1: keys.main: a key is exactly one thing
                Write one of secret, public_key and jwks.
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\njwks = { url = \"https://a.example\" }\n",
        expect![[r#"
            tidegate.toml:1:1: keys.main: a key is exactly one thing
                Write one of secret, public_key and jwks.
        "#]],
    );
    check(
        "[keys.main]\npublic_key = { file = \"Cargo.toml\" }\n",
        expect![[r#"
            tidegate.toml:2:14: keys.main.public_key: not one PEM block with a public key
                Check that this is the key that was meant, and that its kind fits.
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\nalgorithms = [\"RS256\"]\n",
        expect![[r#"
            tidegate.toml:3:14: keys.main.algorithms: the key cannot be used with that algorithm
                Check that this is the key that was meant, and that its kind fits.
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\nalgorithms = [\"none\"]\n",
        expect![[r#"
            tidegate.toml:3:15: keys.main.algorithms[0]: "none" is not known
                Known here: "HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA".
        "#]],
    );
    check(
        "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\nkid = \"../../dev/null\"\n",
        expect![[r#"
            tidegate.toml:3:7: keys.main.kid: a key id is 1 to 128 of A-Z a-z 0-9 . _ -
                Check that this is the key that was meant, and that its kind fits.
        "#]],
    );
    check(
        "[keys.main]\njwks = { url = \"http://keys.example\" }\n",
        expect![[r#"
            tidegate.toml:2:16: keys.main.jwks.url: not an https address
                Keys that travel in the clear can be exchanged on the way. Use https://.
        "#]],
    );
    check(
        "[keys.main]\njwks = { url = \"http://127.0.0.1:x@keys.example/\" }\n",
        expect![[r#"
            tidegate.toml:2:16: keys.main.jwks.url: an address with a name in it
                Key sets are public: leave out the name and everything up to the @.
        "#]],
    );
    check(
        "[keys.main]\njwks = { url = \"https://keys.example\" }\nalgorithms = [\"RS256\"]\n",
        expect![[r#"
            tidegate.toml:3:14: keys.main.algorithms: a published key set says this of each key
                Remove it.
        "#]],
    );
}

#[test]
fn a_verifier_names_keys_that_are_there() {
    check(
        "[tokens.access]\n",
        expect![[r#"
            tidegate.toml:1:1: tokens.access.keys: is missing
                Add keys = …. The names of the `[keys.NAME]` to verify with.
        "#]],
    );
    check(
        "[tokens.access]\nkeys = []\n",
        expect![[r#"
            tidegate.toml:2:8: tokens.access.keys: the key set has no key to verify tokens with
                Name at least one [keys.NAME].
        "#]],
    );
    check(
        &format!("{KEYS}[tokens.other]\nkeys = [\"mian\"]\n"),
        expect![[r#"
            tidegate.toml:8:8: tokens.other.keys: there is no [keys.mian]
                Did you mean "main"?
        "#]],
    );
    let published = "[keys.far]\njwks = { url = \"https://keys.example\" }\n";
    check(
        &format!("{published}[tokens.far]\nkeys = [\"far\"]\n"),
        expect![[r#"
            tidegate.toml:3:1: tokens.far.issuer: published keys need exactly one issuer
                Write issuer = ["…"] as it stands in the `iss` of its tokens.
        "#]],
    );
    check(
        &format!("{KEYS}{published}[tokens.far]\nkeys = [\"far\", \"main\"]\nissuer = [\"a\"]\n"),
        expect![[r#"
            tidegate.toml:10:8: tokens.far.keys: "far" is published and must stand alone
                Make a [tokens.NAME] of its own for each issuer.
        "#]],
    );
    check(
        &format!("{KEYS}[tokens.other]\nkeys = [\"main\"]\nrequire = {{ role = [], age = 1.5 }}\n"),
        expect![[r#"
            tidegate.toml:9:20: tokens.other.require.role: a claim needs the values it may have
                Write { role = ["Admin"] }: a claim's name and the values it may have.
            tidegate.toml:9:30: tokens.other.require.age: a claim needs the values it may have
                Write { role = ["Admin"] }: a claim's name and the values it may have.
        "#]],
    );
}

#[test]
fn api_keys_are_long_and_their_own() {
    check(
        "[api]\nkeys = [{ name = \"a\", secret = { env = \"SHORT\" }, scopes = [] }]\n",
        expect![[r#"
            tidegate.toml:2:32: api.keys[0].secret: the variable SHORT is not set
                Set it, for instance with: export SHORT=$(openssl rand -hex 32)
        "#]],
    );
    check(
        "[api]\nkeys = [{ name = \"a\" }]\n",
        expect![[r#"
            tidegate.toml:2:9: api.keys[0].scopes: is missing
                Add scopes = …. What it is good for: publishing, reading about channels, disconnecting. `admin` includes the others and the operator's endpoints.
            tidegate.toml:2:9: api.keys[0].secret: is missing
                Add secret = { env = "TIDEGATE_API_KEY" }.
        "#]],
    );
    let key = "{ name = \"a\", secret = { env = \"TIDEGATE_API_KEY\" }, scopes = [\"admin\"] }";
    check(
        &format!("[api]\nkeys = [\n{key},\n{key},\n]\n"),
        expect![[r#"
            tidegate.toml:4:10: api.keys[1].name: "a" is the name of an earlier key too
                Give each key a name of its own.
            tidegate.toml:4:24: api.keys[1].secret: the same secret as the key "a"
                Give each key a secret of its own.
        "#]],
    );
}

#[test]
fn certificates_are_there_and_readable() {
    check(
        "[server.tls]\ncertificate = \"Cargo.toml\"\nkey = \"not/there.pem\"\n",
        expect![[r#"
            tidegate.toml:3:7: server.tls.key: FOLDER/not/there.pem cannot be read: No such file or directory (os error 2)
                Check the path and that this user may read it.
        "#]],
    );
    check(
        "[server.tls]\ncertificate = \"src\"\n",
        expect![[r#"
            tidegate.toml:1:1: server.tls.key: is missing
                Add key = …. The certificate's private key, in PEM.
            tidegate.toml:2:15: server.tls.certificate: FOLDER/src is no file
                Name a PEM file.
        "#]],
    );
}

/// R10: what the gateway signs it must find good itself.
#[test]
fn only_a_secret_that_verifies_can_mint() {
    check(
        &format!("{KEYS}mint = \"mian\"\n"),
        expect![[r#"
        tidegate.toml:7:8: tokens.access.mint: "mian" is not one of its keys
            Did you mean "main"?
    "#]],
    );
    check(
        &format!("{KEYS}mint = \"main\"\nlifetime = \"1s\"\n"),
        expect![[r#"
        tidegate.toml:8:12: tokens.access.lifetime: "1s" is out of bounds
            Write something from "1m" to "1d".
    "#]],
    );
    let published = "[keys.theirs]\njwks = { url = \"https://id.example.com/jwks\" }\n\
                     [tokens.access]\nkeys = [\"theirs\"]\nissuer = [\"https://id.example.com\"]\n\
                     mint = \"theirs\"\n";
    check(
        published,
        expect![[r#"
        tidegate.toml:6:8: tokens.access.mint: "theirs" cannot sign
            Name a [keys.NAME] with a secret that may be used for HS256.
    "#]],
    );
    let other = "[keys.main]\nsecret = { env = \"TIDEGATE_SECRET\" }\nalgorithms = [\"HS512\"]\n\
                 [tokens.access]\nkeys = [\"main\"]\nmint = \"main\"\n";
    check(
        other,
        expect![[r#"
        tidegate.toml:6:8: tokens.access.mint: "main" cannot sign
            Name a [keys.NAME] with a secret that may be used for HS256.
    "#]],
    );
}
