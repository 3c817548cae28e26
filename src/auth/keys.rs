//! Keys, from files: our own, made at the first start, and the one that verifies tokens minted elsewhere.

use std::fmt;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::rust_crypto;
use jsonwebtoken::crypto::verify;

/// The file of our own key, in the data directory.
const OWN_KEY: &str = "jwt.key";

/// The file of the key that signs what a webhook is told.
const WEBHOOK_KEY: &str = "webhook.key";

/// Shortest HS256 secret, bytes: as long as the hash (RFC 7518, 3.2).
const SECRET_BYTES_MIN: usize = 32;

/// Shortest RSA modulus, bytes: 2048 bits (RFC 7518, 3.3).
const MODULUS_BYTES_MIN: usize = 256;

/// An Ed25519 public key, bytes (RFC 8032, 5.1.5).
const ED25519_BYTES: usize = 32;

/// Longest key file that is read, bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Our own HS256 secret: what stands in the file `jwt.key` in `dir`, which must exist. Without that file a key of 32
/// random bytes is written there in hex, readable by its owner alone. Two processes that start at once get the same key.
///
/// Errors: those of the file system, and `InvalidData` where the file holds too little to be a key.
pub fn load_or_make(dir: &Path) -> io::Result<Vec<u8>> {
    kept(dir, OWN_KEY)
}

/// The same of the file `webhook.key`, whose text signs what a webhook is told.
pub fn webhook_key(dir: &Path) -> io::Result<Vec<u8>> {
    kept(dir, WEBHOOK_KEY)
}

/// What is wrong with the key files that are in `dir`, a sentence each. One that is missing is made at the next start.
pub fn check_keys(dir: &Path) -> Vec<String> {
    let wrong = [OWN_KEY, WEBHOOK_KEY].into_iter().filter_map(|name| {
        let path = dir.join(name);
        let read = read(&path).and_then(|secret| checked(&path, secret));
        let why = read.err()?;
        match why.kind() {
            io::ErrorKind::NotFound => None,
            io::ErrorKind::InvalidData => Some(why.to_string()),
            _ => Some(format!("{} cannot be read ({why})", path.display())),
        }
    });
    wrong.collect()
}

fn kept(dir: &Path, name: &str) -> io::Result<Vec<u8>> {
    let path = dir.join(name);
    match read(&path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => make(dir, name, &path)?,
        done => return checked(&path, done?),
    }
    checked(&path, read(&path)?)
}

/// Writes a whole key beside `path`, then gives it that name, unless another process was first.
fn make(dir: &Path, name: &str, path: &Path) -> io::Result<()> {
    let beside = dir.join(format!("{name}.{}", hex(&random::<8>()?)));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let named = (|| {
        writeln!(file, "{}", hex(&random::<32>()?))?;
        file.sync_all()?;
        // Unlike a rename, a link never takes the place of a key that is there.
        match std::fs::hard_link(&beside, path) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => Err(why),
            _ => Ok(()),
        }
    })();
    std::fs::remove_file(&beside)?;
    named?;
    File::open(dir)?.sync_all()
}

fn checked(path: &Path, secret: Vec<u8>) -> io::Result<Vec<u8>> {
    if secret.len() >= SECRET_BYTES_MIN {
        return Ok(secret);
    }
    let sentence = format!(
        "{} holds no key: {SECRET_BYTES_MIN} bytes are the least (remove the file to have a new key made; what the old one has signed is then worth nothing)",
        path.display()
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, sentence))
}

/// The file's bytes without the line end that editors add.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX)
        .read_to_end(&mut bytes)?;
    if bytes.ends_with(b"\n") {
        bytes.pop();
    }
    if bytes.ends_with(b"\r") {
        bytes.pop();
    }
    Ok(bytes)
}

/// The key that verifies tokens minted elsewhere (`--jwt-key`), and the one algorithm it is for.
#[derive(Clone)]
pub struct ForeignKey {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// Secrets stay out of logs.
impl fmt::Debug for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForeignKey({:?})", self.algorithm)
    }
}

impl ForeignKey {
    /// Reads a key file: a public key in PEM, or else the HS256 secret itself (a line end after it is not part of it).
    /// The error is one line that names the file, what is wrong and what is allowed.
    pub fn read(path: &Path) -> Result<Self, String> {
        let found = read(path).map_err(|why| format!("cannot be read: {why}"));
        found.and_then(|bytes| Self::parse(&bytes)).map_err(|why| {
            format!(
                "{} {why}; allowed are an HS256 secret (better of {SECRET_BYTES_MIN} bytes or more), or a public key in PEM: \
                 RSA of at least 2048 bits (RS256), P-256 (ES256) or Ed25519 (EdDSA)",
                path.display()
            )
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let Some(label) = pem_label(bytes) else {
            if bytes.is_empty() {
                return Err("is empty".to_owned());
            }
            if bytes.len() < SECRET_BYTES_MIN {
                // The other server has chosen it; refusing it here would only stop this one.
                tracing::warn!(
                    "--jwt-key: a secret of less than {SECRET_BYTES_MIN} bytes can be guessed"
                );
            }
            return Ok(Self {
                key: DecodingKey::from_secret(bytes),
                algorithm: Algorithm::HS256,
            });
        };
        if !matches!(label.as_str(), "PUBLIC KEY" | "RSA PUBLIC KEY") {
            return Err(format!("holds a PEM of the kind {label:?}"));
        }
        rsa(bytes)
            .or_else(|| elliptic(bytes))
            .or_else(|| edwards(bytes))
            .ok_or_else(|| {
                "holds a public key that is damaged, too short or of another kind".into()
            })
    }
}

/// The label of the first PEM block (RFC 7468), if there is any.
fn pem_label(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, _) = after.split_once("-----")?;
    Some(label.to_owned())
}

fn rsa(pem: &[u8]) -> Option<ForeignKey> {
    let key = DecodingKey::from_rsa_pem(pem).ok()?;
    let components = rust_crypto::DEFAULT_PROVIDER
        .key_utils
        .rsa_pub_components_from_public_key;
    let (modulus, _) = components(key.try_get_as_bytes().ok()?).ok()?;
    (modulus.len() >= MODULUS_BYTES_MIN).then_some(ForeignKey {
        key,
        algorithm: Algorithm::RS256,
    })
}

fn elliptic(pem: &[u8]) -> Option<ForeignKey> {
    let key = DecodingKey::from_ec_pem(pem).ok()?;
    usable(key, Algorithm::ES256)
}

fn edwards(pem: &[u8]) -> Option<ForeignKey> {
    let key = DecodingKey::from_ed_pem(pem).ok()?;
    // The library takes the first bytes of a longer key, and panics at a shorter one.
    if key.try_get_as_bytes().ok()?.len() != ED25519_BYTES {
        return None;
    }
    usable(key, Algorithm::EdDSA)
}

/// Looks at the key the way a token would have it looked at, so that a useless one is found at the start.
fn usable(key: DecodingKey, algorithm: Algorithm) -> Option<ForeignKey> {
    verify("", b"", &key, algorithm).ok()?;
    Some(ForeignKey { key, algorithm })
}

/// Random bytes from the system.
pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
