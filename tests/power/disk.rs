//! What a disk may hold when the power goes: of each file all that was written before its last sync, and of what came after
//! it anything; of the names likewise, by the syncs of their folder. Nothing more is taken for granted, neither an order
//! among what was not synced, nor that a write is there as a whole.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use crate::support::dice::Dice;
use crate::support::faults::log::Entry;

/// The least that a disk writes as a whole, bytes.
const SECTOR: usize = 512;
/// A page of the database, bytes.
const PAGE: usize = 4096;

/// Inodes are used again, so each file has a number of its own.
type Id = usize;

/// A change of names that happens as a whole: what each path is from then on.
type Renaming = Vec<(PathBuf, Option<Id>)>;

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Default)]
struct Thing {
    folder: bool,
    /// What is surely there.
    synced: Vec<u8>,
    /// What was done since, in order.
    since: Vec<Change>,
}

/// The state of a disk after some of the entries of a log.
#[derive(Default)]
pub struct Disk {
    things: Vec<Thing>,
    by_inode: HashMap<u64, Id>,
    /// Names as programs see them.
    seen: BTreeMap<PathBuf, Id>,
    /// Names that are surely there.
    synced: BTreeMap<PathBuf, Id>,
    /// What became of names since.
    since: Vec<Renaming>,
}

/// How much of what was not synced is there.
#[derive(Clone, Copy, Debug)]
pub enum Luck {
    /// Nothing.
    None,
    /// Everything, as after `kill -9`.
    All,
    /// What was done first.
    First,
    /// Some of the changes.
    Some,
    /// Some of the pages.
    Pages,
    /// Some of the sectors.
    Sectors,
}

impl Luck {
    /// All kinds.
    pub const KINDS: [Self; 6] = [
        Self::None,
        Self::All,
        Self::First,
        Self::Some,
        Self::Pages,
        Self::Sectors,
    ];
}

impl Disk {
    /// A disk that holds what is in `root` now, synced.
    pub fn of(root: &Path) -> Self {
        let mut disk = Self::default();
        disk.add(root);
        disk.synced = disk.seen.clone();
        disk
    }

    fn add(&mut self, path: &Path) {
        let found = path.metadata().expect("it is there");
        let id = self.make(path, found.ino(), found.is_dir());
        if found.is_dir() {
            for entry in std::fs::read_dir(path).expect("a folder") {
                self.add(&entry.expect("a name").path());
            }
        } else {
            self.things[id].synced = std::fs::read(path).expect("a file");
        }
    }

    fn make(&mut self, path: &Path, inode: u64, folder: bool) -> Id {
        let id = self.things.len();
        self.things.push(Thing {
            folder,
            ..Thing::default()
        });
        self.by_inode.insert(inode, id);
        self.seen.insert(path.to_owned(), id);
        id
    }

    /// One more thing was done.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Create { path, inode } => {
                let id = self.make(path, *inode, false);
                self.since.push(vec![(path.clone(), Some(id))]);
            }
            Entry::Mkdir { path, inode } => {
                let id = self.make(path, *inode, true);
                self.since.push(vec![(path.clone(), Some(id))]);
            }
            Entry::Write {
                inode,
                offset,
                bytes,
            } => self.change(*inode, Change::Write(*offset, bytes.clone())),
            Entry::Truncate { inode, length } => self.change(*inode, Change::Length(*length)),
            Entry::Sync { inode } => self.sync(self.by_inode[inode]),
            Entry::Unlink { path } => {
                self.seen.remove(path).expect("it had that name");
                self.since.push(vec![(path.clone(), None)]);
            }
            Entry::Rename { from, to } => {
                let id = self.seen.remove(from).expect("it had that name");
                self.seen.insert(to.clone(), id);
                self.since
                    .push(vec![(from.clone(), None), (to.clone(), Some(id))]);
            }
            Entry::Link { from, to } => {
                let id = self.seen[from];
                self.seen.insert(to.clone(), id);
                self.since.push(vec![(to.clone(), Some(id))]);
            }
            Entry::Mark(_) => {}
        }
    }

    fn change(&mut self, inode: u64, change: Change) {
        self.things[self.by_inode[&inode]].since.push(change);
    }

    fn sync(&mut self, id: Id) {
        if !self.things[id].folder {
            let thing = &mut self.things[id];
            for change in std::mem::take(&mut thing.since) {
                do_it(&mut thing.synced, &change);
            }
            return;
        }
        let (folder, _) = self
            .seen
            .iter()
            .find(|(_, seen)| **seen == id)
            .expect("a folder that is synced has a name");
        let folder = folder.clone();
        let (here, elsewhere) = std::mem::take(&mut self.since)
            .into_iter()
            .partition(|renaming: &Renaming| renaming[0].0.parent() == Some(&folder));
        self.since = elsewhere;
        for renaming in here {
            rename(&mut self.synced, &renaming);
        }
    }

    /// Puts what may be on the disk now into `to`, which is to stand where `root` stood.
    pub fn after_power_loss(&self, root: &Path, to: &Path, luck: Luck, dice: &mut Dice) {
        let mut names = self.synced.clone();
        for renaming in chosen(&self.since, luck, dice) {
            rename(&mut names, renaming);
        }
        // A path comes after its folder's.
        for (path, id) in &names {
            let place = to.join(path.strip_prefix(root).expect("below the root"));
            let thing = &self.things[*id];
            if place == to.join("") || !place.parent().is_some_and(Path::is_dir) {
                // The root itself; or its folder is gone, and it with that.
                continue;
            }
            // Shared memory is no file that lasts.
            if path.to_string_lossy().ends_with("-shm") {
                continue;
            }
            if thing.folder {
                std::fs::create_dir(&place).expect("a folder");
            } else {
                std::fs::write(&place, thing.after_power_loss(luck, dice)).expect("a file");
            }
        }
    }
}

impl Thing {
    fn after_power_loss(&self, luck: Luck, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let unit = match luck {
            Luck::Pages => PAGE,
            Luck::Sectors => SECTOR,
            _ => {
                chosen(&self.since, luck, dice)
                    .into_iter()
                    .for_each(|change| do_it(&mut bytes, change));
                return bytes;
            }
        };
        for change in &self.since {
            let Change::Write(offset, written) = change else {
                if dice.coin() {
                    do_it(&mut bytes, change);
                }
                continue;
            };
            let mut from = 0;
            while from < written.len() {
                let at = *offset as usize + from;
                let to = written.len().min(from + unit - at % unit);
                if dice.coin() {
                    do_it(
                        &mut bytes,
                        &Change::Write(at as u64, written[from..to].to_vec()),
                    );
                }
                from = to;
            }
        }
        bytes
    }
}

fn chosen<'a, T>(all: &'a [T], luck: Luck, dice: &mut Dice) -> Vec<&'a T> {
    match luck {
        Luck::None => Vec::new(),
        Luck::All => all.iter().collect(),
        Luck::First => {
            let first = dice.below(all.len() as u64 + 1) as usize;
            all[..first].iter().collect()
        }
        Luck::Some | Luck::Pages | Luck::Sectors => all.iter().filter(|_| dice.coin()).collect(),
    }
}

fn do_it(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, written) => {
            let (from, to) = (*offset as usize, *offset as usize + written.len());
            if bytes.len() < to {
                bytes.resize(to, 0);
            }
            bytes[from..to].copy_from_slice(written);
        }
        Change::Length(length) => bytes.resize(*length as usize, 0),
    }
}

fn rename(names: &mut BTreeMap<PathBuf, Id>, renaming: &Renaming) {
    for (path, id) in renaming {
        match id {
            Some(id) => names.insert(path.clone(), *id),
            None => names.remove(path),
        };
    }
}
