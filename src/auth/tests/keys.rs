//! Key files.

use std::path::PathBuf;

use jsonwebtoken::Algorithm;
use jsonwebtoken::EncodingKey;

use crate::auth::ForeignKey;
use crate::auth::load_or_make;

/// Where a key made for these tests lies. It opens nothing else.
pub(super) fn pem(name: &str) -> PathBuf {
    let all = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/auth/tests/pem");
    all.join(format!("{name}.pem"))
}

pub(super) fn public(name: &str) -> ForeignKey {
    ForeignKey::read(&pem(&format!("{name}.public"))).unwrap()
}

pub(super) fn private(name: &str, algorithm: Algorithm) -> EncodingKey {
    let bytes = std::fs::read(pem(&format!("{name}.private"))).unwrap();
    match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(&bytes),
        Algorithm::ES256 => EncodingKey::from_ec_pem(&bytes),
        _ => EncodingKey::from_ed_pem(&bytes),
    }
    .unwrap()
}

#[test]
fn a_public_key_has_one_algorithm() {
    for (name, algorithm) in [
        ("rsa", Algorithm::RS256),
        ("rsa.pkcs1", Algorithm::RS256),
        ("p256", Algorithm::ES256),
        ("ed25519", Algorithm::EdDSA),
    ] {
        assert_eq!(public(name).algorithm, algorithm, "{name}");
    }
}

#[test]
fn a_useless_key_is_found_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let written = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    for (path, what) in [
        (pem("rsa.private"), "PRIVATE KEY"),
        (pem("rsa1024.public"), "too short"),
        (pem("p384.public"), "another kind"),
        (written("none", b"\n"), "is empty"),
        (
            written("cut", b"-----BEGIN PUBLIC KEY-----\nMFkw\n"),
            "damaged",
        ),
        (dir.path().join("absent"), "cannot be read"),
    ] {
        let why = ForeignKey::read(&path).unwrap_err();
        for part in [what, "allowed", "RS256", &path.display().to_string()] {
            assert!(why.contains(part), "{part:?} in {why:?}");
        }
        assert_eq!(why.lines().count(), 1);
    }
}

#[test]
fn a_secret_is_what_stands_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "a secret of thirty-two bytes, ok\r\n").unwrap();
    let key = ForeignKey::read(&path).unwrap();
    assert_eq!(key.algorithm, Algorithm::HS256);
    let secret = b"a secret of thirty-two bytes, ok";
    assert_eq!(key.key.try_get_as_bytes().unwrap(), secret);
    assert!(!format!("{key:?}").contains("thirty"));
}

#[test]
fn our_own_key_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let starts: Vec<_> = std::thread::scope(|scope| {
        let start = || load_or_make(dir.path()).unwrap();
        let all: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(starts.iter().all(|key| *key == starts[0]));
    assert_eq!(starts[0].len(), 64);
    assert_eq!(load_or_make(dir.path()).unwrap(), starts[0]);
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let of_file = std::fs::metadata(dir.path().join("jwt.key")).unwrap();
        assert_eq!(of_file.permissions().mode() & 0o777, 0o600);
    }
    let another = tempfile::tempdir().unwrap();
    assert_ne!(load_or_make(another.path()).unwrap(), starts[0]);
}

#[test]
fn a_damaged_own_key_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("jwt.key"), "").unwrap();
    let why = load_or_make(dir.path()).unwrap_err();
    assert_eq!(why.kind(), std::io::ErrorKind::InvalidData);
    assert!(load_or_make(&dir.path().join("absent")).is_err());
}
