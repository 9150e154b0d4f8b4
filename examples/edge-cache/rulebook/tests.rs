use super::*;

fn refused(text: &str) -> String {
    match parse(Path::new("my.toml"), text) {
        Ok(_) => panic!("it is taken: {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_rules_that_come_with_the_program_hold() {
    let book = Rulebook::open(None).expect("they are checked here");
    assert_eq!(book.current().as_slice().len(), 7);
    book.reload().expect("and again");
}

#[test]
fn rule_4_what_is_wrong_is_refused_with_line_and_column() {
    let unreachable = "[[rule]]\nid = \"all\"\n\n[[rule]]\nid = \"never\"\nclass = \"page\"\n\n[[rule]]\nid = \"rest\"\n";
    let said = refused(unreachable);
    assert!(said.starts_with("my.toml:4:1: rule 1 can never"), "{said}");
    let incomplete = "[[rule]]\nid = \"pages\"\nclass = \"page\"\n";
    let said = refused(incomplete);
    assert!(
        said.starts_with("my.toml:1:1: rule 0 is the last"),
        "{said}"
    );
    let said = refused("[[rule]]\nid = \"rest\"\ntll = \"6td\"\n");
    assert!(said.contains("line 3, column 1"), "{said}");
    assert!(refused("").starts_with("my.toml: there is no rule"));
}

#[test]
fn rule_4_a_bad_file_changes_nothing() {
    let path = std::env::temp_dir().join(format!("backline-rules-{}.toml", std::process::id()));
    std::fs::write(&path, "[[rule]]\nid = \"rest\"\n").expect("a file");
    let book = Rulebook::open(Some(path.clone())).expect("it is sound");
    std::fs::write(&path, "[[rule]]\nid = \"rest\"\nclass = \"page\"\n").expect("a file");
    let error = book.reload().expect_err("it is incomplete");
    assert!(matches!(error, RulebookError::Rule { line: 1, .. }));
    assert_eq!(book.current().id(0), "rest");
    std::fs::remove_file(&path).expect("it is there");
    let error = book.reload().expect_err("it has gone");
    assert!(matches!(error, RulebookError::Unreadable { .. }));
}
