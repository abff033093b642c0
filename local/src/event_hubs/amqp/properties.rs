//! Properties of the parsers: whatever comes in, they end in a value or an error and keep no more than came.

use bytes::{Bytes, BytesMut};
use proptest::{prelude::*, sample::Index};

use super::{
    Decoder, Value,
    encode::tests::value,
    frame::{FrameKind, MAX_FRAME_SIZE, put_frame, take_frame},
    message::{ReceivedMessage, Stamp, compose, partition_key, with_delivery_annotations},
    performative::{Performative, decode},
    section::{Kind, binary, sections},
};
use crate::event_hubs::event::EventData;

/// Values in a value, and bytes of text and binary in them.
fn weight(value: &Value) -> (usize, usize) {
    let sum = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(weight).fold((1, 0), |(nodes, bytes), (more, text)| (nodes + more, bytes + text))
    };
    match value {
        Value::Binary(bytes) => (1, bytes.len()),
        Value::String(text) | Value::Symbol(text) => (1, text.len()),
        Value::List(items) | Value::Array(items) => sum(&mut items.iter()),
        Value::Map(entries) => sum(&mut entries.iter().flat_map(|(key, value)| [key, value])),
        Value::Described(descriptor, value) => sum(&mut [&**descriptor, &**value].into_iter()),
        _ => (1, 0),
    }
}

fn encoded(value: &Value) -> BytesMut {
    let mut bytes = BytesMut::new();
    value.encode(&mut bytes);
    bytes
}

/// Bytes that look like something: encoded values with a few bytes changed, or cut short, or noise.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let changed = (value(), prop::collection::vec((any::<Index>(), any::<u8>()), 0..4), any::<Index>());
    let changed = changed.prop_map(|(value, changes, end)| {
        let mut bytes = encoded(&value).to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(end.index(bytes.len() * 4) + 1);
        bytes
    });
    prop_oneof![3 => changed, 1 => prop::collection::vec(any::<u8>(), 0..512)]
}

/// A message with sections in their order; the body is data.
fn sound_message() -> impl Strategy<Value = (Bytes, Vec<(Value, Value)>)> {
    let annotations = prop::collection::vec(("[a-z]{1,8}".prop_map(Value::Symbol), value()), 0..4);
    let body = prop::collection::vec(any::<u8>(), 0..200);
    (any::<bool>(), any::<bool>(), annotations, value(), body).prop_map(
        |(header, late, annotations, properties, body)| {
            let mut parts = Vec::new();
            if header {
                parts.push((Kind::Header, Value::List(vec![Value::Bool(true)])));
            }
            // Python's client has them last.
            let gone = (Kind::DeliveryAnnotations, Value::Map(vec![(Value::symbol("gone"), Value::Int(1))]));
            if !late {
                parts.push(gone.clone());
            }
            parts.push((Kind::MessageAnnotations, Value::Map(annotations.clone())));
            parts.push((Kind::ApplicationProperties, Value::Map(vec![(Value::string("p"), properties)])));
            parts.push((Kind::Data, Value::Binary(body)));
            if late {
                parts.push(gone);
            }
            (compose(parts), annotations)
        },
    )
}

proptest! {
    #[test]
    fn a_decoded_value_is_in_proportion_to_its_bytes(bytes in bytes()) {
        let mut decoder = Decoder::new(&bytes);
        while let Ok(value) = decoder.value() {
            let (nodes, text) = weight(&value);
            prop_assert!(nodes <= 4 * bytes.len() + 256 && text <= 5 * bytes.len() + 256, "{nodes} {text} {}", bytes.len());
        }
    }

    #[test]
    fn what_decodes_encodes_to_the_same_value(bytes in bytes()) {
        if let Ok(value) = Decoder::new(&bytes).value() {
            let again = Decoder::new(&encoded(&value)).value();
            // Not-a-number is unlike itself; its text is not.
            prop_assert_eq!(format!("{:?}", again.ok()), format!("{:?}", Some(value)));
        }
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut(
        sent in prop::collection::vec((any::<bool>(), any::<u16>(), 0..256_u64, value()), 1..6),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let mut stream = BytesMut::new();
        for (sasl, channel, code, field) in &sent {
            let kind = if *sasl { FrameKind::Sasl } else { FrameKind::Amqp };
            put_frame(&mut stream, kind, *channel, *code, vec![field.clone()]);
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.push(stream.len());
        cuts.sort_unstable();
        let (mut input, mut fed, mut taken) = (BytesMut::new(), 0, Vec::new());
        for cut in cuts {
            input.extend_from_slice(&stream[fed..cut]);
            fed = cut;
            while let Some(frame) = take_frame(&mut input).expect("sound frames") {
                let Ok(Value::Described(code, fields)) = Decoder::new(&frame.body).value() else { panic!("{frame:?}") };
                taken.push((frame.kind == FrameKind::Sasl, frame.channel, *code, fields.field(0).clone()));
            }
        }
        let sent: Vec<_> = sent.into_iter().map(|(sasl, channel, code, field)| (sasl, channel, Value::Ulong(code), field)).collect();
        prop_assert_eq!(taken, sent);
        prop_assert!(input.is_empty());
    }

    #[test]
    fn any_stream_is_cut_into_frames_or_refused(stream in prop::collection::vec(any::<u8>(), 0..64), small: bool) {
        let mut input = BytesMut::from(&stream[..]);
        if small && input.len() >= 8 {
            // A plausible head, so that the body is reached.
            input[..6].copy_from_slice(&[0, 0, 0, stream[3] % 48, 2, stream[5] & 1]);
        }
        while let Ok(Some(frame)) = take_frame(&mut input) {
            prop_assert!(frame.body.len() <= MAX_FRAME_SIZE as usize);
            drop(decode(&frame.body));
        }
    }

    #[test]
    fn any_fields_make_a_performative_or_an_error(
        code in 0x0f..0x1a_u64,
        fields in prop::collection::vec(prop_oneof![Just(Value::Null), any::<u32>().prop_map(Value::Uint), any::<bool>().prop_map(Value::Bool), value()], 0..16),
        payload in prop::collection::vec(any::<u8>(), 0..32),
    ) {
        let performative = encoded(&Value::composite(code, fields.clone()));
        let body = [&performative[..], &payload].concat();
        match decode(&body) {
            Ok((decoded, taken)) => {
                prop_assert_eq!(taken, performative.len());
                if let Performative::Transfer(transfer) = decoded {
                    prop_assert_eq!(Some(&Value::Uint(transfer.handle)), fields.first());
                }
            }
            Err(_) if (0x10..=0x18).contains(&code) => {}
            Err(_) => prop_assert!(!(0x10..=0x18).contains(&code)),
        }
    }

    #[test]
    fn a_stored_message_keeps_all_but_what_the_service_sets((message, annotations) in sound_message(), sequence in 0..i64::MAX / 64) {
        let incoming = ReceivedMessage::parse(&message).expect("a sound message");
        let mut stored = Vec::new();
        let stamp = Stamp { sequence, offset: sequence * 64, enqueued_millis: 5 };
        incoming.write(stamp, &mut stored);
        prop_assert!(stored.len() <= incoming.stored_size());
        let stored = Bytes::from(stored);
        let mut kinds = Vec::new();
        for section in sections(&stored) {
            let section = section.expect("sound sections");
            let value = || Decoder::new(&stored[section.value.clone()]).value().expect("a value");
            match section.kind {
                Kind::MessageAnnotations => {
                    let value = value();
                    for (name, kept) in &annotations {
                        let name = name.as_text().expect("a name");
                        let first = annotations.iter().find(|(other, _)| other.as_text() == Some(name));
                        prop_assert_eq!(value.entry(name), first.map_or(kept, |(_, kept)| kept));
                    }
                    prop_assert_eq!(value.entry("x-opt-sequence-number"), &Value::Long(sequence));
                    prop_assert_eq!(value.entry("x-opt-offset"), &Value::string((sequence * 64).to_string()));
                }
                Kind::Data => {
                    let theirs = sections(&message).map(|section| section.expect("sound"));
                    let theirs = theirs.filter(|section| section.kind == Kind::Data).last().expect("a body");
                    let theirs = &message[binary(&message, theirs.value).expect("binary")];
                    prop_assert_eq!(&stored[binary(&stored, section.value.clone()).expect("binary")], theirs);
                }
                _ => {}
            }
            kinds.push(section.kind);
        }
        prop_assert!(!kinds.contains(&Kind::DeliveryAnnotations));
        let metered = with_delivery_annotations(&stored, Value::Map(Vec::new()));
        prop_assert_eq!(sections(&metered).filter_map(Result::ok).count(), kinds.len() + 1);
    }

    #[test]
    fn damaged_messages_are_parsed_or_refused(
        (message, _) in sound_message(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        noise in bytes(),
    ) {
        let mut damaged = message.to_vec();
        for (at, byte) in changes {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        for bytes in [damaged, noise] {
            drop(partition_key(&bytes));
            let bytes = Bytes::from(bytes);
            drop(EventData::decode(&bytes));
            if let Ok(incoming) = ReceivedMessage::parse(&bytes) {
                let mut stored = Vec::new();
                incoming.write(Stamp { sequence: 1, offset: 64, enqueued_millis: 5 }, &mut stored);
                // What the service stores, it can read: at the level of sections.
                prop_assert!(sections(&stored).all(|section| section.is_ok()));
            }
        }
    }
}
