//! What is typed while the command listens: a letter and Enter.

use std::io::BufRead;

use tokio::sync::mpsc;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Send again what was not taken.
    Resend,
    /// Show what was not taken.
    List,
}

/// Reads standard input in a thread of its own, which ends with the process: a read cannot be called off.
pub(super) fn typed() -> mpsc::Receiver<Wish> {
    let (sender, receiver) = mpsc::channel(8);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let wish = match line.trim() {
                "r" => Wish::Resend,
                "l" => Wish::List,
                _ => continue,
            };
            if sender.blocking_send(wish).is_err() {
                return;
            }
        }
    });
    receiver
}
