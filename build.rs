//! Looks again at the console when it was built anew: it is embedded into the binary.

fn main() {
    println!("cargo:rerun-if-changed=console/dist");
}
