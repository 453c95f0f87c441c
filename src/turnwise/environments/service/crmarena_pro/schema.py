"""The objects of the organisations made here, with what the agent is told of their fields.

A field is one line: its name, `(kind)` where it is no plain text, `-> Object` where it refers to one,
and what it holds. The two organisations differ in whom they sell to: companies with contacts (b2b), or
people (b2c).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

from turnwise.environments.service.crmarena_pro.soql import Catalog, Field, Sort, Table

OrgType: TypeAlias = Literal["b2b", "b2c"]
"""Business to business, or to customers."""

_LINE = re.compile(r"(?P<name>\w+)(?: \((?P<sort>\w+)\))?(?: -> (?P<to>\w+))?: (?P<note>.+)")

_SORTS: dict[str, Sort] = {sort: sort for sort in get_args(Sort)}

_OBJECTS = """\
User: people who work here
  Id (id): The user's ID
  FirstName: First name
  LastName: Last name
  Name: Whole name
  Email: Address for mail
  Title: What the user does, 'Service Agent' or 'Sales Agent'
  IsActive (boolean): Whether the user works here now

Account: whom we sell to
  Id (id): The account's ID
  Name: Name of the account
  FirstName: b2c only: first name of the person
  LastName: b2c only: last name of the person
  PersonEmail: b2c only: the person's address for mail
  Industry: b2b only: what the company does
  Phone: Telephone number
  ShippingCity: City that goods are sent to
  ShippingState: State that goods are sent to, in two letters
  OwnerId (id) -> User: Who looks after the account
  CreatedDate (datetime): When it was made

Contact: people at an account
  Id (id): The contact's ID
  FirstName: First name
  LastName: Last name
  Name: Whole name
  Email: Address for mail
  Phone: Telephone number
  AccountId (id) -> Account: The account they belong to
  CreatedDate (datetime): When it was made

Lead: people who may become customers
  Id (id): The lead's ID
  FirstName: First name
  LastName: Last name
  Name: Whole name
  Company: Where they work
  Email: Address for mail
  Phone: Telephone number
  City: Where they live
  State: State they live in, in two letters
  Status: 'New', 'Contacted', 'Qualified' or 'Unqualified'
  OwnerId (id) -> User: The agent who follows it up; empty where nobody does yet
  CreatedDate (datetime): When it came in
  IsConverted (boolean): Whether it has become an opportunity
  ConvertedDate (date): When it did
  ConvertedOpportunityId (id) -> Opportunity: The opportunity it became

Opportunity: sales in the making
  Id (id): The opportunity's ID
  Name: Name of the opportunity
  AccountId (id) -> Account: Whom we sell to
  ContactId__c (id) -> Contact: Whom we talk to
  OwnerId (id) -> User: The sales agent
  StageName: 'Qualification', 'Discovery', 'Quote', 'Negotiation' or 'Closed'
  Amount (number): Expected amount in dollars
  Probability (number): How likely it is, in per cent
  CreatedDate (datetime): When it was opened
  CloseDate (date): When it is to be closed
  ContractID__c (id) -> Contract: The contract it led to

OpportunityLineItem: what an opportunity is about
  Id (id): The item's ID
  OpportunityId (id) -> Opportunity: The opportunity
  Product2Id (id) -> Product2: The product
  Quantity (number): How many
  TotalPrice (number): Price of all, in dollars

Quote: what was offered
  Id (id): The quote's ID
  Name: Name of the quote
  OpportunityId (id) -> Opportunity: The opportunity
  AccountId (id) -> Account: To whom it was made
  Status: 'Draft', 'In Review' or 'Presented'
  Description (textarea): What was agreed besides
  CreatedDate (datetime): When it was made
  ExpirationDate (date): Until when it holds

QuoteLineItem: lines of a quote
  Id (id): The line's ID
  QuoteId (id) -> Quote: The quote
  Product2Id (id) -> Product2: The product
  Quantity (number): How many
  UnitPrice (number): Price of one, in dollars
  Discount (number): Discount in per cent
  TotalPrice (number): Price of the line, in dollars

Contract: what was agreed
  Id (id): The contract's ID
  AccountId (id) -> Account: With whom
  Status: 'Draft' or 'Activated'
  StartDate (date): When it begins
  CompanySignedDate (date): When we signed it
  ContractTerm (number): How many months it lasts

Order: what was bought
  Id (id): The order's ID
  AccountId (id) -> Account: Who bought
  OwnerId (id) -> User: The sales agent
  Status: 'Draft' or 'Activated'
  EffectiveDate (date): When it was ordered
  Pricebook2Id (id) -> Pricebook2: The price book that holds

OrderItem: lines of an order
  Id (id): The line's ID
  OrderId (id) -> Order: The order
  Product2Id (id) -> Product2: The product
  Quantity (number): How many
  UnitPrice (number): Price of one, in dollars
  TotalPrice (number): Price of the line, in dollars

Product2: what we sell
  Id (id): The product's ID
  Name: Name of the product
  Description (textarea): What it is
  IsActive (boolean): Whether it is sold now

ProductCategory: kinds of products
  Id (id): The category's ID
  Name: Name of the category

ProductCategoryProduct: which product is of which category
  Id (id): The entry's ID
  ProductCategoryId (id) -> ProductCategory: The category
  ProductId (id) -> Product2: The product

Pricebook2: lists of prices
  Id (id): The price book's ID
  Name: Name of the price book
  IsActive (boolean): Whether it holds now

PricebookEntry: prices
  Id (id): The entry's ID
  Pricebook2Id (id) -> Pricebook2: The price book
  Product2Id (id) -> Product2: The product
  UnitPrice (number): Price of one, in dollars

Case: what customers ask or complain about
  Id (id): The case's ID
  Subject: What it is about, in a few words
  Description (textarea): What it is about
  Status: 'New', 'Working' or 'Closed'
  Priority: 'Low', 'Medium' or 'High'
  Origin: 'Chat' or 'Email'
  AccountId (id) -> Account: Whose case it is
  ContactId (id) -> Contact: Who wrote
  OwnerId (id) -> User: The agent who has it; empty where nobody has it yet
  IssueId__c (id) -> Issue__c: The issue it is a case of
  OrderItemId__c (id) -> OrderItem: The line of the order it is about
  CreatedDate (datetime): When it was opened
  ClosedDate (datetime): When it was closed

CaseHistory__c: what happened to cases
  Id (id): The entry's ID
  CaseId__c (id) -> Case: The case
  Field__c: What changed: 'Case Creation', 'Owner Assignment' or 'Case Closed'
  OldValue__c: What it was; of an 'Owner Assignment', the ID of the agent who had the case, if somebody had
  NewValue__c: What it is now; of an 'Owner Assignment', the ID of the agent who has the case from now on
  CreatedDate (datetime): When it happened

Issue__c: kinds of issues
  Id (id): The issue's ID
  Name: Name of the issue
  Description__c (textarea): What it is

EmailMessage: mail about cases
  Id (id): The message's ID
  ParentId (id) -> Case: The case
  Subject: Subject of the mail
  TextBody (textarea): What it says
  FromAddress: Who wrote it
  ToAddress: Who got it
  MessageDate (datetime): When it was sent

LiveChatTranscript: chats about cases
  Id (id): The chat's ID
  CaseId (id) -> Case: The case
  OwnerId (id) -> User: The agent
  Body (textarea): What was said
  EndTime (datetime): When it ended

VoiceCallTranscript__c: telephone calls with leads and about opportunities
  Id (id): The call's ID
  LeadId__c (id) -> Lead: The lead, if it was with one
  OpportunityId__c (id) -> Opportunity: The opportunity, if it was about one
  Body__c (textarea): What was said
  CreatedDate (datetime): When the call began

Knowledge__kav: articles: answers, guides, and the company's policies
  Id (id): The article's ID
  Title: What it is about
  Summary: In a few words
  FAQ_Answer__c (textarea): What it says
  IsInternal__c (boolean): Whether it is for people who work here alone

Task: what is to be done for an opportunity
  Id (id): The task's ID
  WhatId (id) -> Opportunity: The opportunity
  OwnerId (id) -> User: Who does it
  Subject: What is to be done
  Description (textarea): What is to be done, at length
  Priority: 'Low', 'Normal' or 'High'
  Status: 'Not Started', 'In Progress' or 'Completed'
  ActivityDate (date): Until when

Event: appointments for an opportunity
  Id (id): The event's ID
  WhatId (id) -> Opportunity: The opportunity
  OwnerId (id) -> User: Who goes
  Subject: What it is about
  StartDateTime (datetime): When it begins
  DurationInMinutes (number): How long it lasts

Territory2: parts of the country
  Id (id): The territory's ID
  Name: Name of the territory
  Description: Its states, in two letters, with commas

UserTerritory2Association: who works in which territory
  Id (id): The entry's ID
  UserId (id) -> User: The user
  Territory2Id (id) -> Territory2: The territory
"""


@lru_cache(maxsize=2)
def catalog(org: OrgType) -> Catalog:
    """All objects of an organisation."""
    return Catalog(_table(block, org) for block in _OBJECTS.strip().split("\n\n"))


def _table(block: str, org: OrgType) -> Table:
    head, *lines = block.split("\n")
    name, _, note = head.partition(": ")
    fields: list[Field] = []
    for line in lines:
        found = _LINE.fullmatch(line.strip())
        if found is None:
            raise AssertionError(f"not a field: {line!r}")
        only = re.match(r"(b2[bc]) only: ", found["note"])
        if only is None or only[1] == org:
            told = found["note"][only.end() :] if only else found["note"]
            sort = _SORTS[found["sort"] or "string"]
            fields.append(Field(name=found["name"], sort=sort, to=found["to"], note=told))
    return Table(name=name, fields=tuple(fields), note=note)


def told(found: Catalog) -> str:
    """What an agent is told of all objects and their fields."""
    names = ", ".join(table.name for table in found.tables)
    parts = [f"The objects are: {names}", "## Fields of each object"]
    for table in found.tables:
        lines = [f"{table.name}{f' ({table.note})' if table.note else ''}"]
        lines += [f"  - {field.name}: {_noted(field)}" for field in table.fields]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _noted(field: Field) -> str:
    to = f" (refers to {field.to})" if field.to else ""
    kind = f" [{field.sort}]" if field.sort in ("number", "boolean", "date", "datetime") else ""
    return f"{field.note or field.name}{to}{kind}"
