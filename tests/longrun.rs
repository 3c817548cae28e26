//! What becomes of the broker in an hour of everything at once? People on all gateways chat with each other, are cut by the
//! half, come back by other ways, and say wrong things; all of it is counted on both sides. One hour in `make fire`, a few
//! rounds in `make test`: the same rounds.

mod support;

#[path = "longrun/counts.rs"]
mod counts;
#[path = "longrun/hook.rs"]
mod hook;
#[path = "longrun/kind.rs"]
mod kind;
#[path = "longrun/ledger.rs"]
mod ledger;
#[path = "longrun/line.rs"]
mod line;
#[path = "longrun/log.rs"]
mod log;
#[path = "longrun/person.rs"]
mod person;
#[path = "longrun/round.rs"]
mod round;
#[path = "longrun/tongue.rs"]
mod tongue;
#[path = "longrun/watch.rs"]
mod watch;
#[path = "longrun/words.rs"]
mod words;

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde_json::json;
use tokio::task::JoinSet;

use hook::Hook;
use ledger::Ledger;
use person::Person;
use support::fire;
use support::people;
use support::running::Running;
use support::running::command;
use watch::Sample;
use words::Words;

/// Two for each way to each gateway.
const PEOPLE: u64 = 26;
/// Groups, and their members.
const GROUPS: u64 = 4;
const MEMBERS: u64 = 9;
/// Friends of everybody, by their distance in uid.
const FRIENDS: [u64; 3] = [1, 2, 5];
/// Rounds of `make test`.
const ROUNDS: u64 = 2;
/// Posts of each STOMP client to the topic, and jobs of each, in a round.
const POSTS: u64 = 5;
const JOBS: u64 = 4;

const TOPIC: &str = "/topic/weather";

/// Looks at the descriptors after a request each; the least of them counts.
const LOOKS: u64 = 200;

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What everybody shares.
struct World {
    address: String,
    stomp_address: String,
    pid: u32,
    began_s: u64,
    words: Words,
    ledger: Ledger,
    hook: Hook,
    /// Whether there is time for what takes most of a minute to be noticed.
    patient: bool,
}

impl World {
    /// A friend who is here.
    fn next_of(&self, uid: u64) -> u64 {
        uid % PEOPLE + 1
    }
}

struct Run {
    world: Arc<World>,
    people: Vec<Person>,
    groups: Vec<u64>,
    begun: Instant,
    data: PathBuf,
    samples: Vec<Sample>,
    /// Descriptors when all are off line.
    descriptors: Option<u64>,
}

/// Does the same for everybody at once.
async fn each<F>(people: Vec<Person>, act: impl Fn(Person) -> F) -> Vec<Person>
where
    F: Future<Output = Person> + Send + 'static,
{
    let mut acting = JoinSet::new();
    people.into_iter().for_each(|person| {
        acting.spawn(act(person));
    });
    let mut people = Vec::new();
    while let Some(person) = acting.join_next().await {
        people.push(person.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
    }
    people.sort_by_key(|person| person.uid);
    people
}

impl Run {
    async fn begin(data: PathBuf, broker: &Running, words: Words, hook: Hook) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let world = Arc::new(World {
            address: broker.address.clone(),
            stomp_address: broker.stomp_address(),
            pid: broker.pid(),
            began_s: now.expect("after 1970").as_secs() - 1,
            words,
            ledger: Ledger::new(),
            hook,
            patient: fire::whole(),
        });
        let mut run = Self {
            people: (1..=PEOPLE)
                .map(|uid| Person::new(Arc::clone(&world), uid))
                .collect(),
            world,
            groups: Vec::new(),
            begun: Instant::now(),
            data,
            samples: Vec::new(),
            descriptors: None,
        };
        run.meet().await;
        run
    }

    /// Makes all known to each other.
    async fn meet(&mut self) {
        for person in &self.people {
            person.json("GET /api/inbox", "").await;
        }
        for person in &self.people {
            for distance in FRIENDS {
                let friend = (person.uid - 1 + distance) % PEOPLE + 1;
                // Two who ask each other are friends.
                for (from, to) in [(person.uid, friend), (friend, person.uid)] {
                    let ask = json!({"to": to, "msg": "?"}).to_string();
                    let from = &self.people[from as usize - 1];
                    from.json("POST /api/friends/requests", &ask).await;
                }
            }
        }
        for group in 0..GROUPS {
            let members: Vec<u64> = (0..MEMBERS)
                .map(|nth| (group * 5 + nth * 3) % PEOPLE + 1)
                .collect();
            let made = json!({"name": format!("group {group}"), "members": members, "admin": []});
            let owner = &self.people[members[0] as usize - 1];
            let made = owner.json("POST /api/groups", &made.to_string()).await;
            let gid = made["id"].as_u64().or(made["gid"].as_u64());
            let gid = gid.unwrap_or_else(|| panic!("no gid in {made}"));
            self.world.ledger.add_group(gid, members);
            self.groups.push(gid);
        }
    }

    async fn all<F>(&mut self, act: impl Fn(Person) -> F)
    where
        F: Future<Output = Person> + Send + 'static,
    {
        let people = std::mem::take(&mut self.people);
        self.people = each(people, act).await;
    }

    async fn becomes(&self, name: &str, wanted: u64) {
        // Engine.IO gives who polls most of a minute.
        let patience = Duration::from_secs(180);
        let (http, mut last) = (line::http(), 0);
        let became = tokio::time::timeout(patience, async {
            loop {
                last = counts::read_by(&http, &self.world).await[name];
                if last == wanted {
                    return;
                }
            }
        });
        let became = became.await;
        assert!(
            became.is_ok(),
            "{name} is {last} and does not become {wanted}"
        );
    }

    async fn sample(&mut self, moment: &'static str) {
        let metrics = counts::read(&self.world).await;
        let pid = self.world.pid;
        let database = self.data.join("hongyan.db");
        self.samples.push(Sample {
            seconds: self.begun.elapsed().as_secs(),
            moment,
            resident_bytes: watch::resident_bytes(pid),
            descriptors: watch::descriptors(pid),
            threads: watch::threads(pid),
            messages: metrics["hongyan_messages_stored_total"],
            sessions: metrics["hongyan_sessions_online"],
            hooks_waiting: metrics["hongyan_webhook_events_waiting"],
            database_bytes: std::fs::metadata(database).map_or(0, |file| file.len()),
        });
    }

    /// Reads what was said in this round in every conversation, from all sides; the place of each message in its own.
    async fn histories(&self) -> HashMap<u64, usize> {
        let ledger = &self.world.ledger;
        let mut places = HashMap::new();
        for (conversation, people) in ledger.conversations() {
            let last = ledger.last_shown(conversation);
            let mut sides = people.iter().map(|uid| &self.people[*uid as usize - 1]);
            let first = sides.next().expect("somebody");
            let history = first.history(conversation, last).await;
            for other in sides {
                let theirs = other.history(conversation, last).await;
                assert_eq!(history, theirs, "{conversation:?}: not one order for all");
            }
            ledger.show(conversation, &history);
            places.extend(
                history
                    .into_iter()
                    .enumerate()
                    .map(|(place, number)| (number, place)),
            );
        }
        places
    }

    /// All are off line: as many descriptors as after the first round.
    async fn descriptors_go_back(&mut self) {
        let pid = self.world.pid;
        let Some(wanted) = self.descriptors else {
            // The connections of the last requests may still be closing: the least of a while counts.
            let mut least = u64::MAX;
            for _ in 0..LOOKS {
                counts::read(&self.world).await;
                least = least.min(watch::descriptors(pid));
            }
            self.descriptors = Some(least);
            return;
        };
        let back = tokio::time::timeout(Duration::from_secs(60), async {
            while watch::descriptors(pid) > wanted {
                tokio::task::yield_now().await;
            }
        });
        if back.await.is_err() {
            let names = watch::descriptors_named(pid);
            panic!(
                "{} descriptors instead of {wanted}: {names:#?}",
                names.len()
            );
        }
    }

    /// Everything once more, at the very end.
    async fn end(&self) {
        let shown = self.world.ledger.shown();
        for (conversation, numbers) in &shown {
            let uid = match *conversation {
                ledger::Conversation::Pair(a, _) => a,
                ledger::Conversation::Group(gid) => {
                    let group = self.groups.iter().position(|known| *known == gid);
                    group.expect("a group") as u64 * 5 % PEOPLE + 1
                }
            };
            let whole = self.people[uid as usize - 1]
                .history(*conversation, None)
                .await;
            assert_eq!(&whole, numbers, "{conversation:?} is not what it was");
        }
        assert!(
            self.world.hook.told(|told| told.taken) > 0,
            "the webhook was told nothing"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_of_everything_leaves_nothing_behind() {
    let mut attack = fire::Attack::on(
        "longrun",
        "An hour of chat over all gateways, with waves of reconnections, loses and doubles nothing, leaks neither memory nor descriptors, and is counted truly.",
        "`tests/longrun.rs`, `an_hour_of_everything_leaves_nothing_behind`",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let words = Words::new();
    let hook = Hook::listen(words.clone()).await;
    let log = folder.path().join("log");
    let mut command = command(&data, &["serve", "--listen", "127.0.0.1:0"]);
    command
        .args(["--stomp-listen", "127.0.0.1:0", "--message-rate", "1000000"])
        .args(["--log", "debug", "--webhook", &hook.url, "--jwt-key"])
        .arg(people::key_file(&data))
        .stderr(File::create(&log).expect("a log"));
    let broker = Running::spawn(command);
    let mut run = Run::begin(data, &broker, words.clone(), hook).await;

    let seconds = fire::portion(0, 3_600);
    let (waves, messages) = if fire::whole() { (6, 30) } else { (2, 4) };
    let mut rounds = 0;
    while rounds < ROUNDS || run.begun.elapsed().as_secs() < seconds {
        run.round(rounds, waves, messages).await;
        rounds += 1;
        if let Some(folder) = std::env::var_os("HONGYAN_FIRE") {
            let file = PathBuf::from(folder).join("longrun.csv");
            std::fs::write(file, watch::csv(&run.samples)).expect("a place for the figures");
        }
    }
    run.end().await;
    watch::judge(&run.samples);
    assert!(broker.terminate().success());
    let lines = log::search(&log, &words);

    let known = &run.world.ledger.known;
    attack.count("minutes", run.begun.elapsed().as_secs() / 60);
    attack.count("rounds", rounds);
    attack.count("waves", rounds * waves);
    attack.count("sessions", known.sessions.get());
    attack.count("reconnections", known.reconnections.get());
    attack.count("messages", known.stored.get());
    attack.count("deliveries", known.received.get());
    attack.count("pushed once more after a cut", known.again.get());
    attack.count("log lines searched", lines);
    attack.repelled();
}
