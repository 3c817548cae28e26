//! Whether the data are what they should be: the file, the tables, what the rows say about each other, and the pictures.

use std::fmt;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};

use crate::broker::payload::Payload;
use crate::broker::ports::Counts;
use crate::stores::headers;
use crate::stores::sqlite::counts::counts;
use crate::stores::sqlite::groups::read_fields;
use crate::stores::sqlite::images;
use crate::stores::sqlite::msg_ids;
use crate::stores::sqlite::refusal::OpenError;
use crate::stores::sqlite::schema;

/// Most findings of one kind that are told one by one.
const FINDINGS_MAX: usize = 20;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// How much there is.
    pub counts: Counts,
    /// What is wrong, a line each; nothing, if all is well.
    pub findings: Vec<String>,
    /// What is of no use and does no harm, a line each.
    pub notes: Vec<String>,
}

impl CheckReport {
    /// Whether all is well.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(f, "users          {}", counts.users)?;
        writeln!(f, "conversations  {}", counts.conversations)?;
        writeln!(f, "messages       {}", counts.messages)?;
        writeln!(f, "waiting        {}", counts.waiting)?;
        writeln!(f, "queues         {}", counts.queues)?;
        writeln!(f, "queued         {}", counts.queued)?;
        writeln!(f, "groups         {}", counts.groups)?;
        writeln!(f, "friendships    {}", counts.friendships)?;
        writeln!(f, "hooks          {}", counts.hooks)?;
        writeln!(f, "hooks failed   {}", counts.hooks_failed)?;
        for finding in &self.findings {
            writeln!(f, "WRONG: {finding}")?;
        }
        for note in &self.notes {
            writeln!(f, "NOTE: {note}")?;
        }
        Ok(())
    }
}

/// Reads all the data in `dir`, also beside a running broker, and changes nothing.
pub fn check(dir: &Path) -> Result<CheckReport, OpenError> {
    let file = schema::database(dir);
    let conn = schema::open_existing(&file)?;
    schema::refuse_older(&file, &conn)?;
    report(&conn, &images::directory(dir)).map_err(|error| OpenError::sqlite(&file, &error))
}

fn report(conn: &Connection, images: &Path) -> Result<CheckReport> {
    conn.pragma_update(None, "query_only", true)?;
    // Before the rows: a picture's file is there before its row.
    let files = images::files(images);
    // Everything is read as of one moment.
    let moment = conn.unchecked_transaction()?;
    let mut report = CheckReport::default();
    for rule in RULES {
        report.apply(conn, rule)?;
    }
    report.walk(conn)?;
    report.read_groups(conn)?;
    report.read_texts(conn)?;
    report.read_queues(conn)?;
    report.look_at_msg_ids(conn)?;
    report.look_at_images(conn, images)?;
    report.look_for_rows(conn, files)?;
    report.counts = counts(conn)?;
    moment.commit()?;
    Ok(report)
}

/// A question whose every answer is something wrong, as one text.
type Rule = &'static str;

const RULES: &[Rule] = &[
    "SELECT 'file: ' || integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "SELECT 'table ' || \"table\" || ' refers to a missing row of ' || parent || ' (row ' || coalesce(rowid, '?') || ')'
     FROM pragma_foreign_key_check",
    "SELECT iif(m.grouped, 'group ', 'conversation ') || m.conversation || ': its member ' || m.uid || ' is no user'
     FROM members m WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.uid = m.uid)",
    "SELECT 'table ' || name || ': the numbers of its rows are to go on from ' || coalesce(s.seq, 0) || ', but ' || last || ' is there'
     FROM (SELECT 'queued' AS name, max(id) AS last FROM queued UNION ALL
           SELECT 'friend_requests', max(id) FROM friend_requests UNION ALL
           SELECT 'hooks', max(id) FROM hooks)
     LEFT JOIN sqlite_sequence s USING (name)
     WHERE coalesce(s.seq, 0) < last",
    "SELECT 'conversation ' || c.id || ': last_seq is ' || c.last_seq || ', but its newest message has seq ' || coalesce(m.seq, 0)
     FROM conversations c LEFT JOIN (SELECT conversation, max(seq) AS seq FROM messages GROUP BY conversation) m
     ON m.conversation = c.id WHERE c.last_seq <> coalesce(m.seq, 0)",
    "SELECT 'message ' || m.id || ': its sender is no member of conversation ' || c.id
     FROM messages m JOIN conversations c ON c.id = m.conversation WHERE m.sender NOT IN (c.low, c.high)",
    "SELECT 'conversation ' || c.id || ' is neither a pair nor a group, or both' FROM conversations c
     LEFT JOIN groups g ON g.gid = c.id WHERE (c.low IS NULL) <> (g.gid IS NOT NULL)",
    "SELECT 'conversation ' || c.id || ': user ' || m.uid || ' is a member as of a ' || iif(c.low IS NULL, 'pair', 'group')
     FROM members m JOIN conversations c ON c.id = m.conversation
     WHERE m.grouped <> (c.low IS NULL) OR m.admin > m.grouped",
    "SELECT 'conversation ' || conversation || ': user ' || uid || ' joined at seq ' || joined || ', beyond the cursor ' || received
     FROM members WHERE joined > received",
    "SELECT 'conversation ' || c.id || ': user ' || u.uid || ' is no member'
     FROM conversations c JOIN users u ON u.uid IN (c.low, c.high)
     WHERE NOT EXISTS (SELECT 1 FROM members m WHERE m.uid = u.uid AND m.conversation = c.id)",
    "SELECT 'conversation ' || c.id || ': user ' || m.uid || ' should be no member'
     FROM members m JOIN conversations c ON c.id = m.conversation WHERE m.uid NOT IN (c.low, c.high)",
    "SELECT 'conversation ' || c.id || ': the cursor of user ' || m.uid || ' is ' || m.received || ', beyond the last seq ' || c.last_seq
     FROM members m JOIN conversations c ON c.id = m.conversation WHERE m.received > c.last_seq",
    "SELECT 'conversation ' || a.conversation || ': what user ' || a.uid || ' received from ' || a.first || ' to ' || a.last
         || ' is not between the cursor and the end'
     FROM aside a JOIN members m USING (uid, conversation) JOIN conversations c ON c.id = a.conversation
     WHERE a.first <= m.received + 1 OR a.last > c.last_seq",
    "SELECT 'conversation ' || conversation || ': what user ' || uid || ' received to ' || last || ' runs into what begins at ' || next
     FROM (SELECT uid, conversation, last,
           lead(first) OVER (PARTITION BY uid, conversation ORDER BY first) AS next FROM aside)
     WHERE next <= last + 1",
    "SELECT 'conversation ' || m.conversation || ': user ' || m.uid || ' waits for the own message ' || x.id
     FROM members m JOIN conversations c ON c.id = m.conversation AND (c.low IS NULL OR c.low <> c.high) AND m.received < c.last_seq
     JOIN messages x ON x.conversation = m.conversation AND x.seq > m.received AND x.sender = m.uid
     WHERE NOT EXISTS (SELECT 1 FROM aside a
         WHERE a.uid = m.uid AND a.conversation = m.conversation AND x.seq BETWEEN a.first AND a.last)",
    "SELECT 'conversation ' || i.conversation || ': user ' || i.uid || ' waits for message ' || x.id || ', which is not for that user'
     FROM ignored i JOIN members m ON m.uid = i.uid AND m.conversation = i.conversation AND m.received < i.seq
     JOIN messages x ON x.conversation = i.conversation AND x.seq = i.seq
     WHERE NOT EXISTS (SELECT 1 FROM aside a
         WHERE a.uid = m.uid AND a.conversation = m.conversation AND i.seq BETWEEN a.first AND a.last)",
    "SELECT 'user ' || f.friend || ' is no friend of user ' || f.uid || ', but the other way round' FROM friends f
     WHERE NOT EXISTS (SELECT 1 FROM friends b WHERE b.uid = f.friend AND b.friend = f.uid)",
    "SELECT 'user ' || b.uid || ' has blocked user ' || b.blocked || ', a friend' FROM blocks b
     JOIN friends f ON f.uid = b.uid AND f.friend = b.blocked",
    "SELECT 'user ' || r.asker || ' asks user ' || r.asked || ', a friend, for friendship' FROM friend_requests r
     JOIN friends f ON f.uid = r.asker AND f.friend = r.asked WHERE r.accepted IS NULL",
    "SELECT 'the system is not among the users' WHERE NOT EXISTS
         (SELECT 1 FROM users WHERE uid = 9223372036854775807 AND name = '' AND password_hash IS NULL)",
    "SELECT 'queue ' || q.name || ': it counts ' || q.messages || ' messages of ' || q.bytes || ' bytes, but holds '
         || count(m.id) || ' of ' || coalesce(sum(m.bytes), 0)
     FROM queues q LEFT JOIN queued m ON m.queue = q.id GROUP BY q.id
     HAVING q.messages <> count(m.id) OR q.bytes <> coalesce(sum(m.bytes), 0) OR q.messages = 0",
];

impl CheckReport {
    fn apply(&mut self, conn: &Connection, rule: Rule) -> Result<()> {
        let mut select = conn.prepare(rule)?;
        let mut rows = select.query([])?;
        let mut findings = Findings::default();
        while let Some(row) = rows.next()? {
            findings.add(|| row.get(0))?;
        }
        findings.move_to(self);
        Ok(())
    }

    /// Whether the fields of groups can be read.
    fn read_groups(&mut self, conn: &Connection) -> Result<()> {
        let mut findings = Findings::default();
        let mut select = conn.prepare("SELECT name, protected, custom, gid FROM groups")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            if let Err(error) = read_fields(row) {
                let gid: i64 = row.get(3)?;
                findings.add(|| Ok(format!("group {gid}: {error}")))?;
            }
        }
        findings.move_to(self);
        Ok(())
    }

    /// Whether what people wrote is text. SQLite does not ask that of a text.
    fn read_texts(&mut self, conn: &Connection) -> Result<()> {
        let mut findings = Findings::default();
        let mut select = conn.prepare("SELECT id, content, envelope FROM messages")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            for (column, what) in [(1, "content"), (2, "envelope")] {
                if matches!(row.get_ref(column)?, ValueRef::Text(text) if std::str::from_utf8(text).is_err())
                {
                    let id: i64 = row.get(0)?;
                    findings.add(|| Ok(format!("message {id}: its {what} is no UTF-8")))?;
                }
            }
        }
        findings.move_to(self);
        Ok(())
    }

    /// Whether the messages of queues can be read, and are as large as they say.
    fn read_queues(&mut self, conn: &Connection) -> Result<()> {
        let mut findings = Findings::default();
        let mut select = conn.prepare(
            "SELECT q.name, m.id, m.headers, m.body, m.bytes FROM queued m JOIN queues q ON q.id = m.queue",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (name, id): (String, i64) = (row.get(0)?, row.get(1)?);
            let Some(headers) = row.get_ref(2)?.as_str().ok().and_then(headers::read) else {
                findings.add(|| {
                    Ok(format!(
                        "queue {name}: the headers of message {id} cannot be read"
                    ))
                })?;
                continue;
            };
            let (holds, says) = (Payload::new(headers, row.get(3)?).bytes(), row.get(4)?);
            if i64::try_from(holds) != Ok(says) {
                findings.add(|| {
                    Ok(format!(
                        "queue {name}: message {id} counts as {says} bytes, but holds {holds}"
                    ))
                })?;
            }
        }
        findings.move_to(self);
        Ok(())
    }

    /// Which of the files in the folder of pictures no row names.
    fn look_for_rows(&mut self, conn: &Connection, files: Vec<String>) -> Result<()> {
        let mut notes = Findings::default();
        let mut select = conn.prepare("SELECT 1 FROM images WHERE id = ?1")?;
        for name in files {
            if !select.exists([&name])? {
                notes.add(|| {
                    Ok(format!(
                        "images/{name}: no row names this file; nobody sees it, and once no broker runs it may be removed"
                    ))
                })?;
            }
        }
        notes.move_to_notes(self);
        Ok(())
    }

    fn look_at_msg_ids(&mut self, conn: &Connection) -> Result<()> {
        let mut findings = Findings::default();
        msg_ids::check::check(conn, |finding| findings.add(|| Ok(finding)))?;
        findings.move_to(self);
        Ok(())
    }

    fn look_at_images(&mut self, conn: &Connection, directory: &Path) -> Result<()> {
        let mut findings = Findings::default();
        images::check(conn, directory, |finding| findings.add(|| Ok(finding)))?;
        findings.move_to(self);
        Ok(())
    }

    /// The two orders that no question to a table shows cheaply: ids and times over all, seqs and ids in a conversation.
    fn walk(&mut self, conn: &Connection) -> Result<()> {
        let mut findings = Findings::default();
        let mut select = conn.prepare("SELECT id, time_ms FROM messages ORDER BY id")?;
        let mut rows = select.query([])?;
        // Damage may have any sign, so these are read as they are.
        let (mut last_id, mut last_ms) = (0, 0);
        while let Some(row) = rows.next()? {
            let (id, time_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
            if id != last_id + 1 {
                findings.add(|| Ok(format!("message {id} follows message {last_id}")))?;
            }
            if time_ms < last_ms {
                findings.add(|| Ok(format!("message {id} is earlier than message {last_id}")))?;
            }
            (last_id, last_ms) = (id, time_ms);
        }
        findings.move_to(self);

        let mut findings = Findings::default();
        let mut select =
            conn.prepare("SELECT conversation, seq, id FROM messages ORDER BY conversation, seq")?;
        let mut rows = select.query([])?;
        let (mut last_conversation, mut last_seq, mut last_id) = (0_i64, 0_i64, 0_i64);
        while let Some(row) = rows.next()? {
            let (conversation, seq, id) = (row.get(0)?, row.get(1)?, row.get(2)?);
            if conversation != last_conversation {
                (last_conversation, last_seq, last_id) = (conversation, 0, 0);
            }
            if seq != last_seq + 1 {
                findings.add(|| {
                    Ok(format!(
                        "conversation {conversation}: seq {seq} follows seq {last_seq}"
                    ))
                })?;
            }
            if id < last_id {
                findings.add(|| {
                    Ok(format!(
                        "conversation {conversation}: message {id} follows message {last_id}"
                    ))
                })?;
            }
            (last_seq, last_id) = (seq, id);
        }
        findings.move_to(self);
        Ok(())
    }
}

/// Findings of one kind: the first of them in words, the rest as a number.
#[derive(Default)]
struct Findings {
    told: Vec<String>,
    untold: usize,
}

impl Findings {
    fn add(&mut self, finding: impl FnOnce() -> Result<String>) -> Result<()> {
        if self.told.len() < FINDINGS_MAX {
            self.told.push(finding()?);
        } else {
            self.untold += 1;
        }
        Ok(())
    }

    fn move_to(self, report: &mut CheckReport) {
        report.findings.extend(self.lines());
    }

    fn move_to_notes(self, report: &mut CheckReport) {
        report.notes.extend(self.lines());
    }

    fn lines(self) -> impl Iterator<Item = String> {
        let more = (self.untold > 0).then(|| format!("and {} more of that kind", self.untold));
        self.told.into_iter().chain(more)
    }
}
