//! The handshake, and its quirks.

use crate::client::Station;
use crate::support::{Peer, pattern, simple_handshake};
use backline_rtmp::Error;
use backline_rtmp::client::{self, Address};
use backline_rtmp::handshake::{ClientHandshake, EchoPolicy, Form, ServerHandshake};
use backline_rtmp::server::{Config, Output, Warning};

fn answer(client: &[u8]) -> Vec<u8> {
    let mut handshake = ServerHandshake::new(7, EchoPolicy::Ignore);
    let mut rest = client;
    let answer = handshake.handle_input(&mut rest).unwrap().unwrap();
    assert!(rest.is_empty() || rest.len() == 1536);
    answer.to_vec()
}

#[test]
fn rtmp_05_simple_answer() {
    let client = simple_handshake();
    let answer = answer(&client[..1537]);
    assert_eq!(answer.len(), 3073);
    assert_eq!(answer[0], 3);
    // A version of 0 says that nothing is signed.
    assert_eq!(answer[5..9], [0; 4]);
    assert_eq!(answer[1537..], client[1..1537]);
}

#[test]
fn rtmp_05_random_bytes_follow_the_seed() {
    let s1 = |seed| {
        let mut handshake = ServerHandshake::new(seed, EchoPolicy::Ignore);
        handshake
            .handle_input(&mut &simple_handshake()[..])
            .unwrap()
            .unwrap()[1..1537]
            .to_vec()
    };
    assert_eq!(s1(1), s1(1));
    assert_ne!(s1(1), s1(2));
    let mut counts = [0_u32; 256];
    s1(3)[8..]
        .iter()
        .for_each(|byte| counts[usize::from(*byte)] += 1);
    assert!(counts.iter().all(|count| *count < 30), "{counts:?}");
}

#[test]
fn rtmp_05_echo_policies() {
    let run = |echo, spoil: usize| {
        let mut config = Config::default();
        config.echo = echo;
        let mut peer = Peer::new(config);
        let mut c2 = [0; 1536];
        let client = simple_handshake();
        let mut handshake = ServerHandshake::new(0, EchoPolicy::Ignore);
        c2.copy_from_slice(
            &handshake
                .handle_input(&mut &client[..1537])
                .unwrap()
                .unwrap()[1..1537],
        );
        c2[spoil] ^= 1;
        peer.send_raw(&client[..1537]);
        peer.send_raw(&c2);
        (peer.error, peer.outputs)
    };
    assert_eq!(run(EchoPolicy::Ignore, 900), (None, vec![]));
    assert_eq!(
        run(EchoPolicy::Warn, 900),
        (None, vec![Output::Warning(Warning::Echo)])
    );
    assert_eq!(
        run(EchoPolicy::Strict, 900).0,
        Some(Error::HandshakeEcho { at: 1537 + 900 })
    );
    // Bytes 4 to 8 may hold the peer's clock.
    assert_eq!(run(EchoPolicy::Strict, 6), (None, vec![]));
}

#[test]
fn rtmp_07_bytes_after_c2_are_kept() {
    let mut handshake = ServerHandshake::new(0, EchoPolicy::Ignore);
    let bytes = [simple_handshake(), vec![9, 8, 7]].concat();
    let mut rest = &bytes[..];
    handshake.handle_input(&mut rest).unwrap().unwrap();
    assert!(!handshake.is_done());
    assert_eq!(handshake.handle_input(&mut rest), Ok(None));
    assert!(handshake.is_done());
    assert_eq!(rest, [9, 8, 7]);
    assert_eq!(handshake.offset(), 3073);
}

#[test]
fn rtmp_07_another_protocol_is_refused_at_its_first_byte() {
    let mut handshake = ServerHandshake::new(0, EchoPolicy::Ignore);
    let error = handshake.handle_input(&mut &b"GET / HTTP/1.1"[..]);
    assert_eq!(
        error,
        Err(Error::HandshakeVersion {
            at: 0,
            version: b'G'
        })
    );
    let mut handshake = ServerHandshake::new(0, EchoPolicy::Ignore);
    let error = handshake.handle_input(&mut &[6][..]);
    assert_eq!(error, Err(Error::HandshakeEncrypted { at: 0, version: 6 }));
    // Lower and higher versions get ours.
    for version in [0, 2, 4, 31] {
        let mut client = simple_handshake();
        client[0] = version;
        assert_eq!(answer(&client)[0], 3);
    }
}

#[test]
fn rtmp_03_any_partition_gives_the_same_answer() {
    let client = simple_handshake();
    let whole = answer(&client);
    for size in [1, 7, 1536, 1537] {
        let mut handshake = ServerHandshake::new(7, EchoPolicy::Ignore);
        let mut answers = Vec::new();
        for piece in client.chunks(size) {
            let mut rest = piece;
            while !rest.is_empty() {
                answers.extend(handshake.handle_input(&mut rest).unwrap());
            }
        }
        assert_eq!(answers, std::slice::from_ref(&whole));
        assert!(handshake.is_done());
    }
}

#[test]
fn q27_c2_not_echoed() {
    let mut peer = Peer::new(Config::default());
    let mut client = simple_handshake();
    client[1537..].copy_from_slice(&pattern(1536));
    peer.send_raw(&client);
    assert_eq!((peer.error, peer.outputs), (None, vec![]));
}

#[test]
fn q31_librtmp_simple() {
    // curl and rtmpdump leave the version 0 and compare all of S2 with their C1.
    let client = simple_handshake();
    assert_eq!(client[5..9], [0; 4]);
    assert_eq!(answer(&client)[1537..], client[1..1537]);
}

#[cfg(feature = "digest")]
mod digest {
    use super::{ClientHandshake, EchoPolicy, Error, Form, answer, pattern};
    use crate::support::hex;
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    const PLAYER: &[u8] = b"Genuine Adobe Flash Player 001";
    const SERVER: &[u8] = b"Genuine Adobe Flash Media Server 001";

    fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }

    fn place(packet: &[u8], schema: usize) -> usize {
        let (sum_at, base) = if schema == 1 { (8, 12) } else { (772, 776) };
        packet[sum_at..sum_at + 4]
            .iter()
            .map(|byte| usize::from(*byte))
            .sum::<usize>()
            % 728
            + base
    }

    /// C0 and C1 as FFmpeg writes them, with the digest of a schema and its numbers set to `sum`.
    fn client(schema: usize, sum: [u8; 4]) -> Vec<u8> {
        let mut c1 = pattern(1536);
        c1[4..8].copy_from_slice(&hex("09007C02"));
        c1[8..12].copy_from_slice(&sum);
        c1[772..776].copy_from_slice(&sum);
        let at = place(&c1, schema);
        let digest = hmac(PLAYER, &[&c1[..at], &c1[at + 32..]]);
        c1[at..at + 32].copy_from_slice(&digest);
        [vec![3], c1].concat()
    }

    /// Checks S1 and S2 as FFmpeg's player does; returns the schema of S1.
    fn verify(client: &[u8], schema: usize, answer: &[u8]) {
        let (c1, s1, s2) = (&client[1..], &answer[1..1537], &answer[1537..]);
        assert_ne!(s1[4..8], [0; 4]);
        let at = place(s1, schema);
        assert_eq!(s1[at..at + 32], hmac(SERVER, &[&s1[..at], &s1[at + 32..]]));
        let salt = hex("F0EEC24A8068BEE82E00D0D1029E7E576EEC5D2D29806FAB93B8E636CFEB31AE");
        let at = place(c1, schema);
        let key = hmac(&[SERVER, &salt].concat(), &[&c1[at..at + 32]]);
        assert_eq!(s2[1504..], hmac(&key, &[&s2[..1504]]));
    }

    #[test]
    fn rtmp_06_both_schemas_are_answered_in_kind() {
        for schema in [0, 1] {
            // The digest at its first and last place, and between.
            for sum in [[0; 4], [182, 182, 182, 181], [255; 4], [1, 2, 3, 4]] {
                let client = client(schema, sum);
                verify(&client, schema, &answer(&client));
            }
        }
    }

    #[test]
    fn rtmp_06_a_wrong_digest_gets_the_simple_answer() {
        let mut client = client(1, [1, 2, 3, 4]);
        client[1500] ^= 1;
        let answer = answer(&client);
        assert_eq!(answer[5..9], [0; 4]);
        assert_eq!(answer[1537..], client[1..]);
    }

    #[test]
    fn q28_ffmpeg_digest() {
        // The publisher's C2 is unsigned, and no matter.
        let client = [client(1, [3, 1, 4, 1]), pattern(1536)].concat();
        let mut peer = super::Peer::new(super::Config::default());
        assert!(peer.send_raw(&client).is_empty());
        assert_eq!((peer.error, peer.outputs), (None, vec![]));
    }

    /// C0 and C1 of a client of ours, and how it takes the answer to them.
    fn shaken(form: Form, spoil: impl Fn(&mut Vec<u8>)) -> (Vec<u8>, Result<bool, Error>) {
        let (mut client, first) = ClientHandshake::new(3, form, EchoPolicy::Strict);
        let mut server = answer(&first);
        spoil(&mut server);
        let mut rest = &server[..];
        let mut take = || {
            while !client.is_done() {
                client.handle_input(&mut rest)?;
            }
            Ok(client.is_signed())
        };
        let done = take();
        (first.to_vec(), done)
    }

    #[test]
    fn q28_client_signs_as_ffmpeg_does() {
        let (first, done) = shaken(Form::Digest, |_| {});
        assert_eq!((&first[5..9], done), (&hex("09007C02")[..], Ok(true)));
        // Schema 1: the digest stands where the numbers at 8 say.
        let c1 = &first[1..];
        let at = place(c1, 1);
        assert_eq!(c1[at..at + 32], hmac(PLAYER, &[&c1[..at], &c1[at + 32..]]));
        // Its C2 is signed for S1, which librtmp's server insists on where C1 has a version.
        let (mut client, first) = ClientHandshake::new(3, Form::Digest, EchoPolicy::Strict);
        let server = answer(&first);
        let c2 = client.handle_input(&mut &server[..]).unwrap().unwrap();
        let s1 = &server[1..1537];
        let at = place(s1, 1);
        let salt = hex("F0EEC24A8068BEE82E00D0D1029E7E576EEC5D2D29806FAB93B8E636CFEB31AE");
        let key = hmac(&[PLAYER, &salt].concat(), &[&s1[at..at + 32]]);
        assert_eq!(c2[1504..], hmac(&key, &[&c2[..1504]]));
    }

    #[test]
    fn q29_client_refuses_what_is_signed_wrongly_if_strict() {
        for form in [Form::Digest, Form::DigestKeyFirst] {
            // A bit of S1, outside of version and digest: S1 is not signed then, and S2 is no echo.
            let (_, done) = shaken(form, |server| server[20] ^= 1);
            assert_eq!(done, Err(Error::HandshakeEcho { at: 3073 - 32 }));
            // A bit of S2 spoils its signature.
            let (_, done) = shaken(form, |server| server[2000] ^= 1);
            assert_eq!(done, Err(Error::HandshakeEcho { at: 3073 - 32 }));
        }
    }

    #[test]
    fn q30_client_finds_a_digest_in_either_schema() {
        // A server need not keep to the schema of the client.
        for (form, schema) in [(Form::Digest, 0), (Form::DigestKeyFirst, 1)] {
            let (_, done) = shaken(form, |server| {
                let s1 = &mut server[1..1537];
                let at = place(s1, schema);
                let digest = hmac(SERVER, &[&s1[..at], &s1[at + 32..]]);
                s1[at..at + 32].copy_from_slice(&digest);
            });
            assert_eq!(done, Ok(true));
        }
    }

    #[test]
    fn q29_ffmpeg_player_strict() {
        let client = client(1, [9, 9, 9, 9]);
        verify(&client, 1, &answer(&client));
    }

    #[test]
    fn q30_osmo_pocket3() {
        // The camera checks the server's digest, in the schema that it used itself.
        let client = client(0, [200, 100, 50, 25]);
        verify(&client, 0, &answer(&client));
    }
}

/// The forms of a client, and whether a server signs for it.
const FORMS: &[(Form, bool)] = &[
    (Form::Simple, false),
    #[cfg(feature = "digest")]
    (Form::Digest, true),
    #[cfg(feature = "digest")]
    (Form::DigestKeyFirst, true),
];

/// Plays both sides against each other, the server's bytes cut into pieces of `size`.
fn shake(form: Form, echo: EchoPolicy, size: usize) -> ClientHandshake {
    let (mut client, first) = ClientHandshake::new(7, form, echo);
    let mut server = ServerHandshake::new(8, echo);
    let answer = server.handle_input(&mut &first[..]).unwrap().unwrap();
    // What follows the handshake is left alone, however it comes.
    let answer = [&answer[..], b"rest"].concat();
    let (mut c2, mut rest) = (None, Vec::new());
    for mut piece in answer.chunks(size) {
        while !piece.is_empty() && !client.is_done() {
            if let Some(bytes) = client.handle_input(&mut piece).unwrap() {
                c2 = Some(bytes);
            }
        }
        rest.extend_from_slice(piece);
    }
    assert_eq!(rest, b"rest");
    assert_eq!(client.offset(), 3073);
    for mut piece in c2.unwrap().chunks(size) {
        assert_eq!(server.handle_input(&mut piece), Ok(None));
    }
    assert!(server.is_echoed());
    assert!(client.is_done() && server.is_done());
    client
}

#[test]
fn rtmp_05_06_07_the_client_s_side_in_all_forms() {
    for size in [1, 2, 1536, 1537, 3073, 5000] {
        for &(form, signed) in FORMS {
            let client = shake(form, EchoPolicy::Strict, size);
            assert_eq!((client.is_signed(), client.is_echoed()), (signed, true));
        }
    }
}

#[test]
fn rtmp_05_a_server_that_does_not_echo_is_met_by_policy() {
    // A server of zeros: neither an echo nor signed.
    let answer = [&[3][..], &[0; 2 * 1536]].concat();
    for &(form, _) in FORMS {
        for size in [1, 100, answer.len()] {
            let run = |echo| {
                let (mut client, _) = ClientHandshake::new(9, form, echo);
                let done = answer.chunks(size).try_for_each(|mut piece| {
                    while !piece.is_empty() {
                        client.handle_input(&mut piece)?;
                    }
                    Ok(())
                });
                (done, client.is_echoed())
            };
            assert_eq!(run(EchoPolicy::Ignore), (Ok(()), true));
            assert_eq!(run(EchoPolicy::Warn), (Ok(()), false));
            let Err(Error::HandshakeEcho { at }) = run(EchoPolicy::Strict).0 else {
                panic!("a strict client takes zeros for an echo")
            };
            // The random bytes begin with the ninth.
            assert!((1537..=1545).contains(&at), "{at}");
        }
    }
}

#[test]
fn rtmp_07_a_server_that_speaks_something_else() {
    let (mut client, first) = ClientHandshake::new(9, Form::Simple, EchoPolicy::Ignore);
    assert_eq!((first[0], first.len()), (3, 1537));
    assert_eq!(
        client.handle_input(&mut &b"HTTP/1.1 400"[..]),
        Err(Error::HandshakeVersion {
            at: 0,
            version: b'H'
        })
    );
}

#[test]
fn q31_client_librtmp_simple() {
    // As curl and rtmpdump: no version, and C2 is S1 as it came.
    let (mut client, first) = ClientHandshake::new(9, Form::Simple, EchoPolicy::Ignore);
    assert_eq!((first[0], &first[1..9]), (3, &[0; 8][..]));
    let server = [vec![3], pattern(1536)].concat();
    let c2 = client.handle_input(&mut &server[..]).unwrap().unwrap();
    assert_eq!(c2[..], server[1..]);
}

#[test]
fn q32_rtmpe_is_refused_on_both_sides() {
    // No Diffie-Hellman values are exchanged that could be padded wrongly.
    let error = Error::HandshakeEncrypted { at: 0, version: 6 };
    let mut peer = Peer::new(Config::default());
    peer.send_raw(&[6]);
    assert_eq!(peer.error, Some(error.clone()));
    let (mut client, _) = ClientHandshake::new(9, Form::Simple, EchoPolicy::Ignore);
    assert_eq!(client.handle_input(&mut &[6][..]), Err(error));
    assert!(Address::parse("rtmpe://h/live/key").is_err());
}

#[test]
fn q33_rtmps_is_the_same_inside_of_the_callers_tls() {
    let config = |url| client::Config::publish(Address::parse(url).unwrap());
    let inside = config("rtmps://h/live/key");
    // What the caller's TLS needs: that it is wanted, the name for SNI, the port.
    let address = &inside.address;
    assert_eq!(
        (address.tls, &*address.host, address.port),
        (true, "h", 443)
    );
    let said = |config| Station::new(config).client.stats().bytes_out;
    // The letters `rtmps` in `tcUrl` are one more.
    assert_eq!(said(inside), said(config("rtmp://h/live/key")) + 1);
}
