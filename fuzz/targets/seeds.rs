//! Writes what the search begins with: `seeds FOLDER` makes a folder for each target in it.

use std::fs;
use std::path::Path;

fn main() {
    let folder = std::env::args().nth(1).expect("seeds FOLDER");
    for (name, _) in hongyan_fuzz::TARGETS {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder).expect("a folder");
        for (at, seed) in hongyan_fuzz::seeds(name).iter().enumerate() {
            fs::write(folder.join(format!("seed-{at:04}")), seed).expect("a seed is written");
        }
    }
}
