//! What becomes of the broker in an hour of everything at once? People on all gateways chat with each other, are cut by the
//! half, come back by other ways, and say wrong things; all of it is counted on both sides. One hour in `make fire`, a few
//! rounds in `make test`: the same rounds.

mod support;

#[path = "longrun/counts.rs"]
mod counts;
#[path = "longrun/hook.rs"]
mod hook;
#[path = "longrun/ledger.rs"]
mod ledger;
#[path = "longrun/line.rs"]
mod line;
#[path = "longrun/log.rs"]
mod log;
#[path = "longrun/person.rs"]
mod person;
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

use serde_json::Value;
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use hook::Hook;
use ledger::Ledger;
use line::Line;
use line::Way;
use line::ask;
use person::Part;
use person::Person;
use support::client::soon;
use support::fire;
use support::people;
use support::running::Running;
use support::running::command;
use tongue::KINDS;
use tongue::Kind;
use tongue::Target;
use tongue::Voice;
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

/// So many rounds are not judged: caches fill, and the allocator finds its size.
const WARM_UP_OF_ALL: usize = 4;

/// What resident memory may rise by over a whole run, on a line through the rounds after the warm-up.
const RISE_SHARE: f64 = 0.05;
const RISE_BYTES: f64 = 4.0 * 1024.0 * 1024.0;

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

    /// To whom `uid` sends its next messages.
    fn todo(&self, uid: u64, seed: u64, count: u64) -> Vec<Target> {
        (0..count)
            .map(|nth| {
                let pick = uid * 31 + seed * 17 + nth * 7;
                let groups: Vec<u64> = (0..GROUPS)
                    .filter(|group| {
                        (0..MEMBERS).any(|nth| (group * 5 + nth * 3) % PEOPLE + 1 == uid)
                    })
                    .map(|group| self.groups[group as usize])
                    .collect();
                if pick.is_multiple_of(4) && !groups.is_empty() {
                    return Target::Group(groups[(pick / 4) as usize % groups.len()]);
                }
                let distance = FRIENDS[(pick % 3) as usize];
                let back = pick.is_multiple_of(2);
                let friend = if back { PEOPLE - distance } else { distance };
                Target::User((uid - 1 + friend) % PEOPLE + 1)
            })
            .collect()
    }

    /// All chat, half of them are cut in the middle, and two read slowly.
    async fn wave(&mut self, seed: u64, messages: u64) {
        let is_cut = |uid: u64| (uid + seed).is_multiple_of(2);
        let slow = |uid: u64| !is_cut(uid) && uid % 13 == seed % 13;
        let cut = (1..=PEOPLE).filter(|uid| is_cut(*uid)).count();
        let slow_ones = (1..=PEOPLE).filter(|uid| slow(*uid)).count();
        self.world.ledger.begin_sending(PEOPLE as usize - slow_ones);
        let all_cut = Arc::new(Barrier::new(cut));
        let mut parts: HashMap<u64, Part> = (1..=PEOPLE)
            .map(|uid| {
                let todo = match slow(uid) {
                    true => Vec::new(),
                    false => self.todo(uid, seed, messages),
                };
                let rough = !(uid + seed).is_multiple_of(4);
                let part = Part {
                    todo: todo.into(),
                    cut: is_cut(uid).then(|| (Arc::clone(&all_cut), rough)),
                    slow: slow(uid),
                };
                (uid, part)
            })
            .collect();
        let people = std::mem::take(&mut self.people);
        let parts = std::sync::Mutex::new(&mut parts);
        self.people = each(people, |mut person| {
            let part = parts.lock().expect("no panic").remove(&person.uid);
            async move {
                person.chat(part.expect("a part")).await;
                person
            }
        })
        .await;
    }

    async fn metric(&self, name: &str) -> u64 {
        counts::read(&self.world).await[name]
    }

    async fn becomes(&self, name: &str, wanted: u64) {
        // Engine.IO gives who polls most of a minute.
        let patience = Duration::from_secs(180);
        let mut last = 0;
        let became = tokio::time::timeout(patience, async {
            loop {
                last = self.metric(name).await;
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

    /// One round: all come, chat in waves, do all the rest, and go. Then everything is compared.
    async fn round(&mut self, round: u64, waves: u64, messages: u64) {
        self.all(move |mut person| async move {
            let kinds = KINDS.len() as u64;
            person
                .enter(KINDS[((person.uid + round) % kinds) as usize])
                .await;
            person
        })
        .await;
        for wave in 0..waves {
            self.wave(round * 7 + wave, messages).await;
            self.sample("busy").await;
        }
        self.all(|mut person| async move {
            person.drain().await;
            person
        })
        .await;
        let here = self
            .people
            .iter()
            .filter(|person| person.kind != Kind::Rest);
        let here = here.count() as u64;
        self.becomes("hongyan_sessions_online", here).await;
        self.becomes("hongyan_connections_open", here).await;
        self.sample("quiet").await;

        self.sidelines(round).await;
        self.all(move |mut person| async move {
            person.leave((person.uid + round).is_multiple_of(2)).await;
            person
        })
        .await;
        self.becomes("hongyan_connections_open", 0).await;
        self.becomes("hongyan_sessions_online", 0).await;
        self.becomes("hongyan_webhook_events_waiting", 0).await;
        let places = self.histories().await;
        self.people
            .iter_mut()
            .for_each(|person| person.end_round(&places));
        for (number, users) in self
            .world
            .hook
            .told(|told| std::mem::take(&mut told.events))
        {
            self.world.ledger.told(number, &users);
        }
        self.world.ledger.end_round();
        counts::check(&self.world).await;
        self.descriptors_go_back().await;
        self.sample("off line").await;
    }

    /// What there is besides chat: topics, queues, pictures, log-outs, and what is wrong.
    async fn sidelines(&mut self, round: u64) {
        let stomp = self.people.iter().filter(|person| person.kind.is_stomp());
        let stomp = stomp.count() as u64;
        self.all(|mut person| async move {
            person.watch_topic().await;
            person
        })
        .await;
        self.all(move |mut person| async move {
            person.post_to_topic(POSTS, stomp).await;
            person.err().await;
            person.work(JOBS).await;
            if person.uid % 5 == round % 5 {
                person.show_picture().await;
            }
            person
        })
        .await;
        let first = self.people.iter_mut().find(|person| person.kind.is_stomp());
        first.expect("somebody").bury(stomp).await;
        self.knock(round).await;
        self.log_out(round).await;
    }

    /// Bad tokens at all doors.
    async fn knock(&self, round: u64) {
        let world = &self.world;
        let known = &world.ledger.known;
        let http = line::http();
        for (call, body) in [
            ("GET /client?srect=nonsense", String::new()),
            ("GET /api/friends", String::new()),
            (
                "POST /api/login",
                json!({"name": format!("nobody {round}"), "password": world.words.mark()})
                    .to_string(),
            ),
        ] {
            let headers = [("authorization", "Bearer nonsense")];
            let (status, answer) = ask(&http, &world.address, call, &headers, body).await;
            assert_eq!(status, 401, "{call}: {answer}");
            known.logins_refused.add(1);
        }
        let mut line = Line::open(Way::Tcp, &world.stomp_address, "").await;
        known.connections.add(1);
        line.say("CONNECT\naccept-version:1.2\nsrect:nonsense\n\n\0");
        let error = soon("ERROR", line.hear()).await.expect("ERROR");
        assert!(error.starts_with("ERROR"), "{error}");
        known.logins_refused.add(1);
        line.ended().await;
        let path = "/socket.io/?EIO=4&transport=websocket";
        let mut line = Line::open(Way::EngineWebSocket(4), &world.address, path).await;
        known.connections.add(1);
        line.say("40");
        while !soon("connected", line.hear())
            .await
            .expect("a packet")
            .contains("connected")
        {}
        line.say(r#"42["auth-c",{"sessionid":"nonsense"}]"#);
        known.logins_refused.add(1);
        line.ended().await;
    }

    /// Somebody with a password logs in, and out: the connections of that token end.
    async fn log_out(&self, round: u64) {
        let world = &self.world;
        let http = line::http();
        let name = "somebody with a password";
        let password = world
            .words
            .keep_secret(format!("{} password", world.words.mark()));
        let account = json!({"name": name, "password": password}).to_string();
        if round == 0 {
            let (status, made) = ask(
                &http,
                &world.address,
                "POST /api/users",
                &[],
                account.clone(),
            )
            .await;
            assert_eq!(status, 201, "{made}");
        }
        let (status, login) = ask(&http, &world.address, "POST /api/login", &[], account).await;
        assert_eq!(status, 200, "{login}");
        let login: Value = serde_json::from_str(&login).expect("JSON");
        let token = login["token"].as_str().expect("a token").to_owned();
        let token = world.words.keep_secret(token);
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let uid = PEOPLE + 1;
        let known = &world.ledger.known;
        known.connections.add(1);
        known.sessions.add(1);
        let voice = Voice::enter(Kind::Rooms(5), &world.address, uid, &token, &world.words).await;
        let (status, _) = ask(&http, &world.address, "POST /api/logout", &headers, "").await;
        assert_eq!(status, 204);
        voice.ended().await;
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

    fn judge(&self) {
        let off: Vec<&Sample> = self
            .samples
            .iter()
            .filter(|s| s.moment == "off line")
            .collect();
        let threads: Vec<u64> = off.iter().map(|sample| sample.threads).collect();
        println!("threads {threads:?}");
        for moment in ["quiet", "off line"] {
            let of_it: Vec<&Sample> = self.samples.iter().filter(|s| s.moment == moment).collect();
            let judged = &of_it[of_it.len() / WARM_UP_OF_ALL..];
            let points: Vec<(f64, f64)> = judged
                .iter()
                .map(|s| (s.seconds as f64, s.resident_bytes as f64))
                .collect();
            let (rise, first) = (watch::rise(&points), points[0].1);
            println!(
                "{moment}: resident memory {:.1} MiB, {:+.2} MiB over {} rounds",
                first / 1048576.0,
                rise / 1048576.0,
                points.len()
            );
            // A few rounds say nothing of an hour.
            if points.len() >= 10 {
                let bound = first * RISE_SHARE + RISE_BYTES;
                assert!(
                    rise < bound,
                    "{moment}: resident memory rises by {rise} bytes, more than {bound}"
                );
            }
        }
        let least = threads.iter().skip(1).min();
        assert!(
            threads.last() <= least.map(|least| least + 2).as_ref(),
            "{threads:?}"
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
    run.judge();
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
