//! What people do to each other: friends, blocks and groups, and what the model makes of the answers.

use hongyan::broker::command::Command;
use hongyan::broker::command::Reply;
use hongyan::broker::friends::RequestId;
use hongyan::broker::groups::Gid;
use hongyan::broker::groups::NewGroup;
use hongyan::broker::refusal::Refusal;
use hongyan::broker::social::Changed;
use hongyan::broker::social::Social;

use crate::gate::Failure;
use crate::model::Asked;
use crate::model::Code;
use crate::model::User;
use crate::play::NO_GROUP;
use crate::play::Outcome;
use crate::play::Play;
use crate::play::key;
use crate::play::pick;
use crate::play::that;
use crate::transition::Transition;

impl Play {
    pub(super) fn social(&mut self, transition: &Transition) -> Outcome {
        use Transition as T;
        let groups: Vec<u64> = self.model.groups.keys().copied().collect();
        let requests: Vec<u64> = self.model.requests().collect();
        let group = |number: u8| pick(&groups, number).copied().unwrap_or(NO_GROUP);
        let gid = |number: u8| Gid::new(group(number)).expect("a gid");
        let (by, act) = match transition {
            T::AskFriend(by, to) => {
                let words = "hello".to_owned();
                (
                    *by,
                    Social::AskFriend {
                        to: key(*to),
                        words,
                    },
                )
            }
            T::AnswerFriend {
                user,
                request,
                accept,
            } => {
                let request = pick(&requests, *request).copied().unwrap_or(1_000_000);
                let request = RequestId(request);
                let accept = *accept;
                (*user, Social::AnswerFriend { request, accept })
            }
            T::DeleteFriend(by, other) => (*by, Social::Unfriend(key(*other))),
            T::Block(by, other) => (*by, Social::Block(key(*other))),
            T::Unblock(by, other) => (*by, Social::Unblock(key(*other))),
            T::MakeGroup { user, members } => {
                let members = members.iter().map(|user| key(*user)).collect();
                let new = NewGroup {
                    members,
                    ..NewGroup::default()
                };
                (*user, Social::MakeGroup(new))
            }
            T::Join { user, group } => {
                let users = vec![key(*user)];
                (
                    *user,
                    Social::AddMembers {
                        gid: gid(*group),
                        users,
                    },
                )
            }
            T::Add { by, group, user } => {
                let users = vec![key(*user)];
                (
                    *by,
                    Social::AddMembers {
                        gid: gid(*group),
                        users,
                    },
                )
            }
            T::Leave { user, group } => {
                let (gid, user) = (gid(*group), *user);
                (
                    user,
                    Social::RemoveMember {
                        gid,
                        user: key(user),
                    },
                )
            }
            T::Remove { by, group, user } => {
                let (gid, user) = (gid(*group), key(*user));
                (*by, Social::RemoveMember { gid, user })
            }
            other => return Err(format!("{other:?} is nothing between people")),
        };
        let fate = self.fate();
        let answer = self.stage.ask(by, Command::Social(act.clone()));
        if self.stage.gate.will_fail().is_some() {
            // It was refused before it came to the store.
            self.counts.commit_failures -= 1;
            self.stage.gate.fail_next(None);
            return self.follow(by, transition, &act, answer);
        }
        match fate {
            None => self.follow(by, transition, &act, answer),
            Some(failure) => {
                let code = answer.as_ref().err().map(|refusal| refusal.code());
                that(code == Some(500), || format!("{answer:?} and not 500"))?;
                if failure == Failure::AnswerLost {
                    // Done all the same: asked again, it says what it has done.
                    self.settle_unknown(by, transition, &act)?;
                }
                Ok(())
            }
        }
    }

    /// What the model makes of an act that was answered.
    fn follow(
        &mut self,
        by: User,
        transition: &Transition,
        act: &Social,
        answer: Result<Reply, Refusal>,
    ) -> Outcome {
        use Transition as T;
        let model = &mut self.model;
        let fail = |expected: &str| Err(format!("{answer:?} and not {expected}"));
        let code: Result<(), Code> = match (transition, act) {
            (T::AskFriend(_, to), _) => match (model.ask_friend(by, *to), &answer) {
                (
                    Ok(Asked::Fresh),
                    Ok(Reply::Social(Changed::Asked {
                        request,
                        fresh: true,
                    })),
                ) => {
                    model.note_request(request.id.0, by, *to);
                    Ok(())
                }
                (
                    Ok(Asked::Stands(id)),
                    Ok(Reply::Social(Changed::Asked {
                        request,
                        fresh: false,
                    })),
                ) if request.id.0 == id => Ok(()),
                (
                    Ok(Asked::Crosses(id)),
                    Ok(Reply::Social(Changed::Answered {
                        request,
                        accepted: true,
                        fresh: true,
                    })),
                ) if request.id.0 == id => Ok(()),
                (Ok(expected), _) => return fail(&format!("{expected:?}")),
                (Err(code), _) => Err(code),
            },
            (T::AnswerFriend { .. }, Social::AnswerFriend { request, accept }) => {
                model.answer_friend(by, request.0, *accept)
            }
            (T::DeleteFriend(_, other), _) => model.delete_friend(by, *other),
            (T::Block(_, other), _) => model.block(by, *other),
            (T::Unblock(_, other), _) => model.unblock(by, *other),
            (T::MakeGroup { members, .. }, _) => match (model.make_group(by, members), &answer) {
                (Ok(()), Ok(Reply::Social(Changed::Group { group, .. }))) => {
                    model.note_group(group.gid.get(), by, members);
                    Ok(())
                }
                (Ok(()), _) => return fail("a group"),
                (Err(code), _) => Err(code),
            },
            (T::Join { user, .. } | T::Add { user, .. }, Social::AddMembers { gid, .. }) => {
                model.add_member(by, gid.get(), *user)
            }
            (T::Leave { user, .. } | T::Remove { user, .. }, Social::RemoveMember { gid, .. }) => {
                model.remove_member(by, gid.get(), *user)
            }
            _ => return Err(format!("{transition:?} is not {act:?}")),
        };
        match (code, &answer) {
            (Ok(()), Ok(_)) => Ok(()),
            (Err(code), Err(refusal)) if refusal.code() == code => Ok(()),
            (expected, _) => fail(&format!("{expected:?}")),
        }
    }

    /// An act was done and its answer lost.
    fn settle_unknown(&mut self, by: User, transition: &Transition, act: &Social) -> Outcome {
        match transition {
            // The group is there; its maker finds it among the own ones.
            Transition::MakeGroup { members, .. } => {
                if self.model.make_group(by, members).is_err() {
                    return Ok(());
                }
                let Ok(Reply::Groups(groups)) = self.stage.ask(by, Command::Groups) else {
                    return Err("no list of groups".to_owned());
                };
                let gids = groups.iter().map(|group| group.gid.get());
                let new = gids.max().ok_or("the group is not there")?;
                self.model.note_group(new, by, members);
                Ok(())
            }
            // The request stands; asked again, it says its number.
            Transition::AskFriend(_, to) => match self.model.ask_friend(by, *to) {
                Ok(Asked::Fresh) => {
                    let answer = self.stage.ask(by, Command::Social(act.clone()));
                    let Ok(Reply::Social(Changed::Asked {
                        request,
                        fresh: false,
                    })) = answer
                    else {
                        return Err(format!("{answer:?} and not a standing request"));
                    };
                    self.model.note_request(request.id.0, by, *to);
                    Ok(())
                }
                _ => Ok(()),
            },
            Transition::AnswerFriend { .. } => {
                if let Social::AnswerFriend { request, accept } = act {
                    let _ = self.model.answer_friend(by, request.0, *accept);
                }
                Ok(())
            }
            Transition::DeleteFriend(_, other) => {
                let _ = self.model.delete_friend(by, *other);
                Ok(())
            }
            Transition::Block(_, other) => {
                let _ = self.model.block(by, *other);
                Ok(())
            }
            Transition::Unblock(_, other) => {
                let _ = self.model.unblock(by, *other);
                Ok(())
            }
            Transition::Join { user, .. } | Transition::Add { user, .. } => {
                if let Social::AddMembers { gid, .. } = act {
                    let _ = self.model.add_member(by, gid.get(), *user);
                }
                Ok(())
            }
            Transition::Leave { user, .. } | Transition::Remove { user, .. } => {
                if let Social::RemoveMember { gid, .. } = act {
                    let _ = self.model.remove_member(by, gid.get(), *user);
                }
                Ok(())
            }
            other => Err(format!("{other:?} is nothing between people")),
        }
    }
}
