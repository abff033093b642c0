use super::*;

const PUBLIC: fn() -> EndpointRules =
    || EndpointRules::new(false, ["app.example", "topic.example:8443"]).expect("hosts");

fn parse(text: &str) -> Result<Endpoint, EndpointError> {
    Endpoint::parse(text, &PUBLIC())
}

#[test]
fn every_spelling_of_what_is_not_public_is_refused_with_its_reason() {
    use EndpointError::{AddressLiteral, Characters, Fragment, HostName, LocalName, OwnHost, Port, Scheme, UserInfo};
    for (text, reason) in [
        ("http://ok.example/", Scheme),
        ("ftp://ok.example/", Scheme),
        ("javascript:alert(1)", Scheme),
        ("https://2130706433/", AddressLiteral),
        ("https://0x7f.1/", AddressLiteral),
        ("https://0177.0.0.1/", AddressLiteral),
        ("https://127.1/", AddressLiteral),
        ("https://127.0.0.1./", AddressLiteral),
        ("https://１２７。０。０。１/", AddressLiteral),
        ("https://%31%32%37.0.0.1/", AddressLiteral),
        ("https://8.8.8.8/", AddressLiteral),
        ("https://[::1]/", AddressLiteral),
        ("https://[::ffff:7f00:1]/", AddressLiteral),
        ("https://[64:ff9b::a9fe:a9fe]/", AddressLiteral),
        ("https://169.254.169.254/", AddressLiteral),
        ("https://168.63.129.16/", AddressLiteral),
        ("https://u:p@ok.example/", UserInfo),
        ("https://u@ok.example/", UserInfo),
        ("https://:p@ok.example/", UserInfo),
        ("https://ok.example/#part", Fragment),
        ("https://ok.example/#", Fragment),
        ("https://localhost/", LocalName),
        ("https://localhost./", LocalName),
        ("https://LOCALHOST/", LocalName),
        ("https://%6cocalhost/", LocalName),
        ("https://a.localhost/", LocalName),
        ("https://intranet/", LocalName),
        ("https://printer.local/", LocalName),
        ("https://printer.local./", LocalName),
        ("https://metadata.google.internal/", LocalName),
        ("https://router.home.arpa/", LocalName),
        ("https://ok.example:22/", Port),
        ("https://ok.example:80/", Port),
        ("https://ok..example/", HostName),
        ("https://ok.example../", HostName),
        ("https://app.example/api/partners", OwnHost),
        ("https://APP.example./", OwnHost),
        ("https://ａpp.example/", OwnHost),
        ("https://app.example:8080/", OwnHost),
        ("https://topic.example:8443/", OwnHost),
        ("https://ok.example/\r\nx-injected: 1", Characters),
        ("https://ok.\texample/", Characters),
        (" https://ok.example/", Characters),
        ("https://ok.example\\@other.example/", Characters),
        ("https://ok.example/\u{0}", Characters),
    ] {
        assert_eq!(parse(text), Err(reason), "{text}");
    }
    for text in
        ["", "ok.example", "/hook", "https://", "https://[::1", "https://ok.example:99999/", "https://a%00b.example/"]
    {
        assert!(matches!(parse(text), Err(EndpointError::Url(_))), "{text}");
    }
    let label = "a".repeat(64);
    assert_eq!(parse(&format!("https://{label}.example/")), Err(HostName));
    assert_eq!(parse(&format!("https://ok.example/{}", "a".repeat(LONGEST))), Err(EndpointError::Length));
}

#[test]
fn public_ones_are_stored_in_one_form() {
    for (text, stored) in [
        ("https://bücher.example/h", "https://xn--bcher-kva.example/h"),
        ("https://ok.example:443/h?k=1", "https://ok.example/h?k=1"),
        ("https://ok.example/h?k=1", "https://ok.example/h?k=1"),
        ("HTTPS://OK.Example./H", "https://ok.example/H"),
        ("https://ok.example", "https://ok.example/"),
        ("https://ok.example/a/../b", "https://ok.example/b"),
        // Another port of it than ours.
        ("https://topic.example/", "https://topic.example/"),
        ("https://notapp.example/", "https://notapp.example/"),
    ] {
        assert_eq!(parse(text).expect(text).whole().as_str(), stored);
    }
    assert_eq!(parse("https://ok.example:443/h?k=1"), parse("https://ok.example/h?k=1"));
}

#[test]
fn a_setting_allows_private_ones_and_the_refusal_names_it() {
    let local = EndpointRules::new(true, ["127.0.0.1:7071"]).expect("hosts");
    for text in ["http://127.0.0.1:9000/hook", "http://localhost:9000/", "https://[::1]:9000/", "http://ok.example:80/"]
    {
        let refusal = parse(text).expect_err(text);
        assert!(refusal.to_string().contains(SETTING), "{refusal}");
        let endpoint = Endpoint::parse(text, &local).expect(text);
        assert!(endpoint.check(&PUBLIC()).is_err(), "{text} is judged again");
    }
    for text in
        ["http://127.0.0.1:7071/", "http://localhost:7071/x", "http://[::ffff:127.0.0.1]:7071/", "http://[::1]:7071/"]
    {
        assert_eq!(Endpoint::parse(text, &local), Err(EndpointError::OwnHost), "{text}");
    }
    for text in ["ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://127.0.0.1/#x"] {
        assert!(Endpoint::parse(text, &local).is_err(), "{text}");
    }
    assert!(EndpointRules::new(false, ["https://app.example/"]).is_err());
    assert!(EndpointRules::new(false, [""]).is_err());
}

#[test]
fn one_private_address_among_a_names_addresses_is_enough() {
    let addresses =
        |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect::<Vec<IpAddr>>();
    let (public, local) = (PUBLIC(), EndpointRules::new(true, []).expect("hosts"));
    assert_eq!(public.judge(&addresses(&["1.1.1.1", "2606:4700::1111"])), Ok(()));
    let mixed = addresses(&["1.1.1.1", "::1"]);
    let refusal = public.judge(&mixed).expect_err("one is this machine");
    assert!(refusal.to_string().contains("of this machine") && refusal.to_string().contains(SETTING), "{refusal}");
    assert_eq!(local.judge(&mixed), Ok(()));
    assert_eq!(local.judge(&[]), Err(DialRefusal::NoAddress));
}

#[test]
fn nothing_but_the_host_is_shown() {
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    struct Document {
        #[serde(with = "whole")]
        endpoint: Endpoint,
    }
    let text = "https://ok.example/s3cr3t/x?k=s3cr3t";
    let endpoint = parse(text).expect("public");
    assert_eq!((endpoint.to_string().as_str(), endpoint.host()), ("https://ok.example", "ok.example"));
    let document = Document { endpoint };
    assert_eq!(format!("{document:?}"), "Document { endpoint: Endpoint(https://ok.example) }");
    let json = serde_json::to_value(&document).expect("JSON");
    assert_eq!(json["endpoint"], text);
    assert_eq!(serde_json::from_value::<Document>(json).expect("its own").endpoint, document.endpoint);
    for broken in [
        "http://ok.example/s3cr3t",
        "https://s3cr3t:x@ok.example/",
        "https://ok.example/s3cr3t#",
        "s3cr3t",
        "https://[s3cr3t]/",
        "https://ok.example\\s3cr3t",
    ] {
        let refusal = parse(broken).expect_err(broken);
        assert!(!format!("{refusal} {refusal:?}").contains("s3cr3t"), "{refusal:?}");
    }
}
