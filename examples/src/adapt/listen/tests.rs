use super::*;

#[test]
fn doors_cap_the_total_and_each_address_but_not_loopback() {
    let doors = Doors::new(5, 2);
    let phone: IpAddr = [192, 168, 1, 7].into();
    let proxy: IpAddr = [127, 0, 0, 1].into();
    let first = doors.admit(phone).expect("a first connection");
    let _second = doors.admit(phone).expect("a second one");
    assert!(doors.admit(phone).is_none(), "a third one from one address");
    let _local: Vec<_> = (0..3)
        .map(|_| doors.admit(proxy).expect("loopback has no cap of its own"))
        .collect();
    assert!(
        doors.admit([10, 0, 0, 1].into()).is_none(),
        "a sixth one in all"
    );
    drop(first);
    assert_eq!(doors.count(), 4);
    assert!(doors.admit(phone).is_some(), "a place is free again");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_flag_that_chooses_another() {
    let taken = bind("127.0.0.1:0".parse().expect("an address"), "--http")
        .await
        .expect("a free port");
    let at = taken.local_addr().expect("a bound address");
    let error = bind(at, "--http")
        .await
        .expect_err("the port is taken")
        .to_string();
    assert!(
        error.contains(&at.port().to_string()) && error.contains("--http"),
        "{error}"
    );
}
