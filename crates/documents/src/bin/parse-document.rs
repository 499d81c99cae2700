//! The process that reads a file, by itself, for this crate's tests. `backstay` does the same.
#![expect(
    clippy::print_stdout,
    reason = "what was tried in confinement is told on standard output"
)]

use std::{env, fs::File, net, process};

use backstay_documents::{Limits, worker};

fn main() -> process::ExitCode {
    let mut arguments = env::args_os().skip(1);
    match arguments.next() {
        Some(command) if command == worker::COMMAND => worker::run(arguments),
        Some(command) if command == "escape" => escape(),
        _ => process::ExitCode::FAILURE,
    }
}

type Attempt = (&'static str, fn() -> bool);

/// Confines itself as for a file, then tries what a file that has taken over would try, and prints
/// what it could do all the same.
fn escape() -> process::ExitCode {
    match worker::confine(&Limits::default()) {
        Ok(confinement) => println!("{confinement:?}"),
        Err(cause) => println!("not confined: {cause}"),
    }
    let attempts: [Attempt; 6] = [
        ("read a file", || File::open("/etc/hostname").is_ok()),
        ("write a file", || File::create(env::temp_dir().join("backstay-escape")).is_ok()),
        ("listen", || net::TcpListener::bind("127.0.0.1:0").is_ok()),
        ("send", || net::UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("start a program", || process::Command::new("/bin/true").spawn().is_ok()),
        ("start a thread", || std::thread::Builder::new().spawn(|| ()).is_ok()),
    ];
    for (what, attempt) in attempts {
        if attempt() {
            println!("could {what}");
        }
    }
    process::ExitCode::SUCCESS
}
