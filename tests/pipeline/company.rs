//! A company with users, units and teams, for the tests of who may do what.

use super::*;

pub const COMPANY: &str = r#"
entity account {
  name     text(160) required
  revenue  money
  parent   lookup account
  note     text(100)
}

entity contact { name text(160) required  account lookup account  on delete of account: cascade }
entity price { name text(160) required  owned by organization }

role Seller {
  privilege create, write, append, append to, assign on account at user
  privilege read on account, contact
  privilege execute flow
}
role Branch { privilege write, delete on account at business unit  privilege create, append on contact at business unit }
role Region { privilege write on account at parent and child business units }
role Chief { privilege create, read, write, delete on account, contact, price }
role Linker { privilege write, append, append to on account }
role Runner { privilege execute flow }
role Nothing {}
"#;

/// A company with flows, and these users: name, unit, roles.
pub struct Company {
    pub pipeline: Pipeline,
}

impl Company {
    pub fn new(flows: &str) -> Self {
        Company { pipeline: open(&format!("{COMPANY}{flows}")) }
    }

    pub fn user(&mut self, name: &str, unit: &str, roles: &[&str]) -> Reference {
        let user = self.pipeline.user(name).unwrap();
        if !unit.is_empty() {
            let unit = self.pipeline.business_unit(unit).unwrap();
            self.pipeline.move_user(user, unit).unwrap();
        }
        roles.iter().for_each(|role| self.pipeline.grant(user, role).unwrap());
        user
    }

    pub fn create(&mut self, acting: Reference, entity: &str, values: Values) -> Outcome {
        let values = row(&self.pipeline, entity, values);
        let entity = self.pipeline.schema().entity_id(entity).unwrap();
        self.pipeline.execute(Operation::Create { entity, values }, Some(acting))
    }

    pub fn update(&mut self, acting: Reference, record: Reference, values: Values) -> Outcome {
        let entity = self.pipeline.schema().entity(record.entity).unwrap().name.clone();
        let values = row(&self.pipeline, &entity, values);
        self.pipeline.execute(Operation::Update { record, values }, Some(acting))
    }

    /// A team of a unit, with members.
    pub fn team(&mut self, name: &str, unit: &str, members: &[Reference]) -> Reference {
        let team = self.pipeline.team(name).unwrap();
        let unit = self.pipeline.business_unit(unit).unwrap();
        self.pipeline.move_user(team, unit).unwrap();
        members.iter().for_each(|member| self.pipeline.join(*member, team).unwrap());
        team
    }

    pub fn account(&mut self, owner: Reference) -> Reference {
        created(&mut self.pipeline, "account", &[("name", "A".into()), ("ownerid", Value::Reference(owner))])
    }
}

/// What a privilege that is missing says.
pub fn refused(outcome: &Outcome) -> &str {
    let (code, words) = fault(outcome);
    assert_eq!(code, Code::F22, "{words}");
    words
}
