use super::{Kept, LEAVING_MAX};

#[test]
fn numbers_leave_in_order() {
    let mut kept = Kept::new(3);
    kept.leave(5, 100);
    kept.leave(6, 90);
    assert!(!kept.gone(5, 95) && !kept.gone(6, 95), "5 stays, so 6 does");
    assert!(kept.gone(5, 100) && kept.gone(6, 100) && !kept.gone(7, 100));
    kept.forget(100);
    assert!(kept.gone(3, 100) && !kept.gone(7, 100));
    assert!(kept.before(2) && !kept.before(3));
}

#[test]
fn del_9_a_fast_publisher_does_not_make_it_grow() {
    let mut kept = Kept::new(0);
    for number in 0..10_000 {
        kept.leave(number, 1_000 + number);
    }
    assert_eq!(kept.leaving.len(), LEAVING_MAX);
    assert!(kept.gone(0, 1_000) && !kept.gone(1, 1_000));
    assert!(!kept.gone(9_999, 10_998), "never too early");
    kept.forget(10_999);
    assert!(kept.gone(9_999, 10_999) && kept.leaving.is_empty());
}
