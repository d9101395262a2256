//! Teams: what they own is their members' own, and their roles are their members'.

use super::company::{Company, refused};
use super::*;

const ASKS: &str = r#"
flow Asks on account {
  trigger update(revenue)
  stage   pre-operation
  set note = ""
  for each account a order by name { set note += "{a.name} " }
  for each account a order by name descending limit 1 { set note += "{a.name} " }
  set note += "{count(account)} {exists(account where name == this.name)} {sum(account.revenue)} {max(account.name)}"
}
flow OverALookup on account {
  trigger update(parent)
  set note = "{parent.name}"
}
role Asker { privilege write, append, append to on account  privilege read on account at user }
role Neighbour { privilege write, append, append to on account  privilege read on account at business unit }
"#;

#[test]
fn what_a_team_owns_is_its_members_own() {
    let mut company = Company::new("");
    let [anna, ben] = ["Anna", "Ben"].map(|name| company.user(name, "North", &["Seller"]));
    let away = company.user("Away", "North", &["Branch"]);
    let team = company.team("Support", "South", &[anna, away]);
    assert_eq!(company.pipeline.team("Support").unwrap(), team);
    let shared = company.account(team);
    let rename = [("name", "B".into())];
    for (member, may) in [(anna, true), (away, true), (ben, false)] {
        assert_eq!(company.update(member, shared, &rename).ending == Ending::Committed, may);
    }
    let words = refused(&company.update(ben, shared, &rename)).to_owned();
    assert_eq!(words, "`Ben` has the privilege `write` on `account` at `user`, and this record needs it at `organization`");
    // A member makes records for the team, gives it some, and links what it owns.
    let owned = [("name", "C".into()), ("ownerid", Value::Reference(team)), ("parent", Value::Reference(shared))];
    assert_eq!(company.create(anna, "account", &owned).ending, Ending::Committed);
    refused(&company.create(ben, "account", &owned));
    let own = company.account(anna);
    assert_eq!(company.update(anna, own, &[("ownerid", Value::Reference(team))]).ending, Ending::Committed);
    assert_eq!(company.update(anna, own, &rename).ending, Ending::Committed);
    company.pipeline.join(anna, team).unwrap();
    company.pipeline.leave(anna, team).unwrap();
    company.pipeline.leave(anna, team).unwrap();
    refused(&company.update(anna, own, &rename));
}

#[test]
fn the_roles_of_a_team_are_its_members() {
    let mut company = Company::new("");
    let [anna, ben] = ["Anna", "Ben"].map(|name| company.user(name, "North", &[]));
    let team = company.team("Support", "South", &[anna]);
    let (own, other) = (company.account(anna), company.account(ben));
    let rename = [("name", "B".into())];
    refused(&company.update(anna, own, &rename));
    company.pipeline.grant(team, "Branch").unwrap();
    company.pipeline.grant(team, "Branch").unwrap();
    // Its level is seen from the member, not from the team.
    assert_eq!(company.update(anna, other, &rename).ending, Ending::Committed);
    refused(&company.update(ben, own, &rename));
    company.pipeline.grant(team, "Runner").unwrap();
    company.pipeline.revoke(team, "Branch").unwrap();
    let words = refused(&company.update(anna, own, &rename)).to_owned();
    assert_eq!(words, "`Anna` has no privilege `write` on `account`, and this record needs it at `user`");
    assert_eq!(company.pipeline.grant(team, "Nobodys").unwrap_err().code, Code::F06);
}

#[test]
fn a_query_gives_what_a_team_owns_however_many_teams_there_are() {
    for role in ["Asker", "Neighbour"] {
        // One team; and more than are asked for at once.
        for teams in [1, 120] {
            let mut company = Company::new(ASKS);
            let anna = company.user("Anna", "North", &[role]);
            let stranger = company.user("Stranger", "East", &[]);
            let all: Vec<_> = (0..teams).map(|number| company.team(&format!("T{number}"), "South", &[anna])).collect();
            let foreign = company.team("Foreign", "South", &[stranger]);
            let own = company.account(anna);
            for (name, owner) in [("teams", all[0]), ("too", all[teams - 1]), ("theirs", foreign), ("strangers", stranger)] {
                let values = [("name", name.into()), ("ownerid", Value::Reference(owner)), ("revenue", Value::Decimal(5.into()))];
                created(&mut company.pipeline, "account", &values);
            }
            let asked = company.update(anna, own, &[("revenue", Value::Decimal(1.into()))]);
            assert_eq!(asked.ending, Ending::Committed);
            assert_eq!(get(&mut company.pipeline, own, "note"), "A teams too too 3 true 10 too".into(), "{role} {teams}");
        }
    }
}

#[test]
fn a_team_s_record_is_read_over_a_lookup_by_its_members() {
    let mut company = Company::new(ASKS);
    let [anna, ben] = ["Anna", "Ben"].map(|name| company.user(name, "North", &["Asker"]));
    let team = company.team("Support", "South", &[anna]);
    let shared = company.account(team);
    for (user, may) in [(anna, true), (ben, false)] {
        let own = company.account(user);
        let linked = company.update(user, own, &[("parent", Value::Reference(shared))]);
        assert_eq!(linked.ending == Ending::Committed, may, "{linked:?}");
    }
}

#[test]
fn a_membership_counts_from_the_moment_it_is_written() {
    let mut company = Company::new(
        r#"
        flow Join on account {
          trigger update(note)
          run as  owner
          create teammembership { teamid = team["Support"], systemuserid = caller }
        }
        flow Then on account {
          trigger update(note)
          rank    1
          update parent? { name = "reached" }
        }
        "#,
    );
    let anna = company.user("Anna", "North", &["Seller"]);
    let team = company.team("Support", "South", &[]);
    let shared = company.account(team);
    let values = [("name", "A".into()), ("ownerid", Value::Reference(anna)), ("parent", Value::Reference(shared))];
    let own = created(&mut company.pipeline, "account", &values);
    refused(&company.update(anna, shared, &[("name", "B".into())]));
    let joined = company.update(anna, own, &[("note", "x".into())]);
    assert_eq!((joined.ending, joined.ran), (Ending::Committed, vec!["Join".into(), "Then".into()]));
    assert_eq!(get(&mut company.pipeline, shared, "name"), "reached".into());
}

#[test]
fn memberships_and_roles_go_with_team_and_user() {
    let mut company = Company::new("");
    let [anna, ben] = ["Anna", "Ben"].map(|name| company.user(name, "North", &[]));
    let [one, two] = ["One", "Two"].map(|name| company.team(name, "North", &[anna, ben]));
    company.pipeline.grant(one, "Seller").unwrap();
    let counts = |company: &mut Company| (count(&mut company.pipeline, "teammembership"), count(&mut company.pipeline, "teamrole"));
    assert_eq!(counts(&mut company), (4, 1));
    assert_eq!(delete(&mut company.pipeline, one).ending, Ending::Committed);
    assert_eq!(counts(&mut company), (2, 0));
    assert_eq!(delete(&mut company.pipeline, ben).ending, Ending::Committed);
    assert_eq!(counts(&mut company), (1, 0));
    assert!(exists(&mut company.pipeline, two));
}

#[test]
fn a_team_owns_by_its_unit() {
    let mut company = Company::new("");
    let unit = company.pipeline.business_unit("North").unwrap();
    let branch = company.user("Branch", "North", &["Branch"]);
    let away = company.user("Away", "South", &["Branch"]);
    let team = created(&mut company.pipeline, "team", &[("name", "T".into()), ("businessunitid", Value::Reference(unit))]);
    let account = company.account(team);
    assert_eq!(company.update(branch, account, &[("name", "B".into())]).ending, Ending::Committed);
    let words = refused(&company.update(away, account, &[("name", "C".into())])).to_owned();
    assert_eq!(words, "`Away` has the privilege `write` on `account` at `business unit`, and this record needs it at `organization`");
}
