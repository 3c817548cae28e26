//! One round: all come, chat in waves, do all the rest, and go.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use serde_json::json;
use tokio::sync::Barrier;

use crate::FRIENDS;
use crate::GROUPS;
use crate::JOBS;
use crate::MEMBERS;
use crate::PEOPLE;
use crate::POSTS;
use crate::Run;
use crate::counts;
use crate::each;
use crate::kind::KINDS;
use crate::kind::Kind;
use crate::line::Line;
use crate::line::Way;
use crate::line::ask;
use crate::line::http;
use crate::person::Part;
use crate::support::client::soon;
use crate::tongue::Target;
use crate::tongue::Voice;

impl Run {
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
    /// One round: all come, chat in waves, do all the rest, and go. Then everything is compared.
    pub(super) async fn round(&mut self, round: u64, waves: u64, messages: u64) {
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
        let http = http();
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
        let http = http();
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
}
