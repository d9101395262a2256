//! Waits: what each branch waits for, then a jump to the statements of the one that won.

use crate::bytecode::{Awaited, Code, Op, When};
use crate::check::ir::{Expr, Until, WaitBranch};
use crate::value::Value;

use super::body::Body;
use super::builder::TooLarge;

impl Body<'_> {
    /// A wait. Moments and lengths of time are computed before it; conditions are codes of their own.
    pub(super) fn wait(&mut self, number: u16, branches: &[WaitBranch]) {
        let computed: Vec<&Expr> =
            branches.iter().map(|branch| &branch.until).filter(|until| !is_condition(until)).map(Until::value).collect();
        let values = self.run(computed.into_iter());
        let awaited = branches.iter().map(|branch| self.awaited(&branch.until)).collect();
        let wait = self.b.wait(number, awaited);
        let out = self.b.temporary();
        self.b.op(Op::Wait { wait, values, out });
        let end = self.b.label();
        for (index, branch) in branches.iter().enumerate().filter(|(_, branch)| !branch.body.is_empty()) {
            let next = self.b.label();
            if branches.len() > 1 {
                let (left, right) = (out.into(), self.b.constant(&Value::Integer(index as i64)));
                self.b.jump(next, |to| Op::JumpEqualInteger { left, right, when: When(false), to });
            }
            self.block(&branch.body);
            if index + 1 < branches.len() && !self.b.unreachable() {
                self.b.same_place(|b| b.jump(end, |to| Op::Jump { to }));
            }
            self.b.bind(next);
        }
        self.b.bind(end);
    }

    fn awaited(&mut self, until: &Until) -> Awaited {
        match until {
            Until::Moment(_) => Awaited::Moment,
            Until::After(_) => Awaited::After,
            Until::Condition(condition) => {
                let index = self.b.count(self.conditions.len());
                match self.condition(condition) {
                    Ok(code) => self.conditions.push(code),
                    Err(TooLarge) => self.b.outgrown(),
                }
                Awaited::Condition(index)
            }
        }
    }

    /// A condition that is looked at by itself: the inputs and `let`s of the flow are its inputs.
    fn condition(&self, condition: &Expr) -> Result<Code, TooLarge> {
        let code = self.beside().test(condition)?;
        let inputs = u16::try_from(code.names.len()).map_err(|_| TooLarge)?;
        Ok(Code { inputs, ..code })
    }
}

fn is_condition(until: &Until) -> bool {
    matches!(until, Until::Condition(_))
}
