//! Prints `docs/facts.md`.

fn main() {
    #[allow(clippy::print_stdout)]
    {
        print!("{}", compliance::vocabulary_table());
    }
}
