//! Message framing: where the heads of requests begin and end in what a client sends: no more than it takes to know
//! that one is under way.

/// How every connection of HTTP/2 begins (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's head (RFC 9113 §4.1).
const FRAME_HEAD: usize = 9;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;

/// What has come in on a connection, as far as heads go.
#[derive(Debug)]
pub(super) enum Heads {
    /// So many bytes of the preface of HTTP/2, and nothing else.
    Preface(usize),
    /// HTTP/1.
    One(Head),
    /// HTTP/2.
    Two(Frames),
}

impl Default for Heads {
    fn default() -> Self {
        Self::Preface(0)
    }
}

impl Heads {
    /// Takes what has come in.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        if let Self::Preface(seen) = self {
            let same = bytes.iter().zip(&PREFACE[*seen..]).take_while(|(a, b)| a == b).count();
            *seen += same;
            if *seen == PREFACE.len() {
                *self = Self::Two(Frames::default());
            } else if same < bytes.len() {
                let mut head = Head::default();
                head.read(&PREFACE[..*seen]);
                *self = Self::One(head);
            }
            bytes = &bytes[same..];
        }
        match self {
            Self::Preface(_) => {}
            Self::One(head) => head.read(bytes),
            Self::Two(frames) => frames.read(bytes),
        }
    }
}

/// The head of a request of HTTP/1, which ends with an empty line, and how much has come in since.
#[derive(Debug, Default)]
pub(super) struct Head {
    begun: bool,
    /// Line ends in a row, carriage returns not counted.
    line_ends: u8,
    /// Bytes behind the head: those of the body, then those of the next request.
    behind: u64,
}

impl Head {
    fn read(&mut self, bytes: &[u8]) {
        for (at, byte) in bytes.iter().enumerate() {
            if self.line_ends == 2 {
                self.behind += (bytes.len() - at) as u64;
                return;
            }
            match byte {
                b'\r' => {}
                // Empty lines before a request are not its end (RFC 9112 §2.2).
                b'\n' => self.line_ends += u8::from(self.begun),
                _ => (self.begun, self.line_ends) = (true, 0),
            }
        }
    }

    /// Whether more has come in than a request whose body is so long.
    pub(super) fn is_followed(&self, body: u64) -> bool {
        self.behind > body
    }
}

/// The frames of HTTP/2.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; FRAME_HEAD],
    /// Bytes of `head` that are there.
    filled: usize,
    /// Bytes of the frame that are still to come, once its head is there.
    left: usize,
    /// Whether a block of headers has begun and not ended.
    open: bool,
}

impl Frames {
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled < FRAME_HEAD {
                let taken = bytes.len().min(FRAME_HEAD - self.filled);
                self.head[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
                self.filled += taken;
                bytes = &bytes[taken..];
                if self.filled < FRAME_HEAD {
                    return;
                }
                let [high, middle, low, kind, ..] = self.head;
                self.left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                self.open |= matches!(kind, HEADERS | CONTINUATION);
            }
            let taken = bytes.len().min(self.left);
            self.left -= taken;
            bytes = &bytes[taken..];
            if self.left == 0 {
                let [_, _, _, kind, flags, ..] = self.head;
                if matches!(kind, HEADERS | CONTINUATION) && flags & END_HEADERS != 0 {
                    self.open = false;
                }
                self.filled = 0;
            }
        }
    }

    /// Whether the head of a request, or that of a frame, has begun and not ended.
    pub(super) fn is_under_way(&self) -> bool {
        self.open || (1..FRAME_HEAD).contains(&self.filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> Heads {
        let mut heads = Heads::default();
        pieces.iter().for_each(|piece| heads.read(piece));
        heads
    }

    #[test]
    fn what_follows_a_request_is_told_from_its_body_however_it_comes_in_pieces() {
        let request = b"\r\nPOST / HTTP/1.1\r\ncontent-length: 6\r\n\r\na\n\nb\r\nG";
        for size in 1..=request.len() {
            let pieces: Vec<_> = request.chunks(size).collect();
            let Heads::One(head) = read(&pieces) else { panic!("HTTP/1 in pieces of {size}") };
            assert!(head.is_followed(6) && !head.is_followed(7), "in pieces of {size}: {head:?}");
        }
        assert!(matches!(read(&[b"PRI * HTTP/2.0\r\n\r\nG"]), Heads::One(head) if head.is_followed(0)));
        assert!(matches!(read(&[b"PRI * HTT"]), Heads::Preface(9)));
    }

    #[test]
    fn a_block_of_headers_is_under_way_until_its_last_frame_has_ended() {
        let settings: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
        let headers: &[u8] = &[0, 0, 2, HEADERS, 0, 0, 0, 0, 1, 0x82, 0x84];
        let continuation: &[u8] = &[0, 0, 1, CONTINUATION, END_HEADERS, 0, 0, 0, 1, 0x86];
        let data: &[u8] = &[0, 1, 0, 0, 0, 0, 0, 0, 1, b'x'];
        let under_way = |frames: &[&[u8]]| {
            let all = [&[PREFACE.as_slice()], frames].concat().concat();
            for size in 1..=all.len() {
                let pieces: Vec<_> = all.chunks(size).collect();
                let Heads::Two(read) = read(&pieces) else { panic!("HTTP/2 in pieces of {size}") };
                let whole = matches!(self::read(&[&all]), Heads::Two(whole) if whole.is_under_way());
                assert_eq!(read.is_under_way(), whole, "in pieces of {size}");
            }
            matches!(self::read(&[&all]), Heads::Two(frames) if frames.is_under_way())
        };
        assert!(!under_way(&[settings]));
        assert!(under_way(&[settings, &headers[..4]]));
        assert!(under_way(&[settings, headers]));
        assert!(under_way(&[settings, headers, &continuation[..9]]));
        assert!(!under_way(&[settings, headers, continuation]));
        // A body that is not whole is nobody's head.
        assert!(!under_way(&[settings, headers, continuation, data]));
    }
}
