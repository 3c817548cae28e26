//! What is said in the run. Each content is made of its number alone and bears the mark of the run, so that one can tell a
//! content that was changed, and find one wherever it should not be.

use std::sync::Arc;
use std::sync::Mutex;

/// The mark of the run, and all that must stay secret in it.
#[derive(Clone)]
pub struct Words {
    mark: Arc<str>,
    secrets: Arc<Mutex<Vec<String>>>,
}

impl Words {
    pub fn new() -> Self {
        let mut random = [0; 8];
        getrandom::fill(&mut random).expect("chance");
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            mark: format!("goose{random}n").into(),
            secrets: Arc::default(),
        }
    }

    /// What every content and password of the run has in it.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The content of message `number`.
    pub fn content(&self, number: u64) -> String {
        // From a few bytes to a kilobyte, as people write: seldom much.
        let long = match number % 16 {
            0 => 900,
            few => few * 9,
        };
        let filling = "the wild geese fly south ".chars().cycle();
        let filling: String = filling.take(long as usize).collect();
        format!("{}{number}.{filling}", self.mark)
    }

    /// The numbers of the contents in a text, in their order. Each must be there in full.
    pub fn numbers<'a>(&'a self, text: &'a str) -> impl Iterator<Item = u64> + 'a {
        text.match_indices(&*self.mark)
            .filter_map(move |(at, mark)| {
                let (digits, _) = text[at + mark.len()..].split_once('.')?;
                let number = digits.parse().ok()?;
                assert!(
                    text[at..].starts_with(&self.content(number)),
                    "the content of {number} was changed: {text}"
                );
                Some(number)
            })
    }

    /// This must never be in a log. Gives it back.
    pub fn keep_secret(&self, secret: String) -> String {
        let mut secrets = self.secrets.lock().expect("no panic");
        secrets.push(secret.clone());
        secret
    }

    pub fn secrets(&self) -> Vec<String> {
        self.secrets.lock().expect("no panic").clone()
    }
}
