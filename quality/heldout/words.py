"""The words of each edition of the further layouts: headings of sections and of columns."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """The words of an edition: headings of sections, and of the columns of names, dates, values and units."""

    headings: dict[str, tuple[str, ...]]
    names: dict[str, tuple[str, ...]]
    times: dict[str, tuple[str, ...]]
    values: tuple[str, ...]
    units: tuple[str, ...]


#: The edition that was looked at once, and then mended for.
_FIRST = Words(
    headings={
        "conditions": ("Dx", "PMH / Active Dx", "Diagnosis Summary", "Patient Problems", "Known Medical Conditions"),
        "medications": ("Rx", "Meds", "Current Rx", "Medication Record", "Medicines in Use"),
        "allergies": ("Allergies/ADRs", "Allergy Status", "Known Drug and Food Allergies", "Alerts: Allergies"),
        "results": ("Labs/Vitals", "Results Review", "Measured Values", "Obs. & Labs", "Lab and Vitals Flowsheet"),
        "procedures": ("Px", "Procedures Hx", "Past Procedures and Surgeries", "Tests and Procedures Done"),
        "immunizations": ("Imm.", "Immunization Hx", "Vaccine Administration", "Shots Given", "Imms"),
    },
    names={
        "conditions": ("Dx", "Problem Name", "Health Problem"),
        "medications": ("Med", "Rx", "Medication and Strength", "Drug Name"),
        "allergies": ("Agent", "Allergic To", "Allergen Name"),
        "results": ("Component", "Parameter", "Item", "Lab Test"),
        "procedures": ("Px", "Procedure Name", "Service"),
        "immunizations": ("Vaccine Product", "Imm.", "Vaccine Type"),
    },
    times={
        "conditions": ("Onset Dt", "Dx Date", "From"),
        "medications": ("Start Dt", "Rx Date", "Begun"),
        "allergies": ("Entered", "Noted On", "Dt Recorded"),
        "results": ("Coll. Date", "Dt", "Result Dt", "Observed On"),
        "procedures": ("Svc Date", "Done On", "Dt Performed"),
        "immunizations": ("Admin Dt", "Date of Shot", "Given On"),
    },
    values=("Obs", "Val", "Measured", "Result Value"),
    units=("UoM", "Unit of Measure", "Units"),
)
#: The edition that was looked at once more, after the first mending; the second followed.
_SECOND = Words(
    headings={
        "conditions": (
            "Chronic Conditions & Diagnoses",
            "Diagnostic List",
            "Medical Hx",
            "Problems (Current)",
            "Probs",
        ),
        "medications": ("Home Meds", "Drug Chart", "Pharmacy Profile", "Current Therapy", "Medication Sheet"),
        "allergies": ("Allergies & Sensitivities", "Adverse Reactions", "Allergens", "Allergy Summary"),
        "results": ("Investigations", "Lab Data", "Vitals and Tests", "Test Findings", "Diagnostics"),
        "procedures": ("Operations/Procedures", "Surgical Hx", "Interventions and Tests", "Procedure Register"),
        "immunizations": ("Vaccine Hx", "Immunisation Register", "Vax", "Inoculation Record", "Vaccines to Date"),
    },
    names={
        "conditions": ("Diagnosis Text", "Problem/Condition", "Ailment"),
        "medications": ("Medicine Name", "Preparation", "Drug/Strength", "Medication Ordered"),
        "allergies": ("Trigger", "Substance Name", "Allergy To"),
        "results": ("Analyte Name", "Study", "Measure", "What Was Measured"),
        "procedures": ("Procedure Done", "Operation Name", "Intervention"),
        "immunizations": ("Vaccine (Product)", "Immunizing Agent", "Vacc."),
    },
    times={
        "conditions": ("Dt of Onset", "Diag. Date", "First Dx"),
        "medications": ("Commenced", "Started On", "Date Issued"),
        "allergies": ("Date Identified", "Reported", "Since"),
        "results": ("Taken", "Test Dt", "Sample Date", "Date/Time"),
        "procedures": ("Op Date", "When", "Date Done"),
        "immunizations": ("Dose Date", "Vaccinated On", "Admin. Date"),
    },
    values=("Finding", "Level", "Res.", "Reading"),
    units=("Unit", "U/M", "Unit (UCUM)"),
)
#: And once more after the second mending; the third followed.
_THIRD = Words(
    headings={
        "conditions": ("Morbidity Overview", "Dx List", "Ongoing Issues", "Health Conditions on File"),
        "medications": ("Pharmacotherapy", "Pills and Doses", "Rx List", "Med Orders", "Treatment Now"),
        "allergies": ("Hypersensitivities", "Allergy Information", "Reactions to Substances", "ADRs"),
        "results": ("Test Values", "Bloods and Vitals", "Lab Work", "Numbers to Watch", "Clinical Measurements"),
        "procedures": ("Procedures & Examinations", "Things Done", "Interventional History", "Procedural Log"),
        "immunizations": ("Immunity Status", "Vaccs", "Immunization Card", "Protective Shots", "Vaccines Had"),
    },
    names={
        "conditions": ("Condition Text", "Illness", "Dx Name"),
        "medications": ("Medicinal Product", "Drug and Form", "Remedy"),
        "allergies": ("Culprit", "Allergy Agent", "Reacts To"),
        "results": ("Quantity Measured", "Test/Measure", "Lab Item"),
        "procedures": ("What Was Done", "Px Name", "Examination"),
        "immunizations": ("Vaccine Given", "Product Given", "Shot"),
    },
    times={
        "conditions": ("Began", "Date First Seen", "Dx Made"),
        "medications": ("From Date", "Put On", "Ordered On"),
        "allergies": ("Noted (Date)", "Logged", "Recorded Dt"),
        "results": ("Drawn", "On", "Date Taken"),
        "procedures": ("Date of Px", "Performed On", "Day"),
        "immunizations": ("Shot Date", "Given Dt", "Received"),
    },
    values=("Outcome", "Amount", "Figure", "Measured Value"),
    units=("In", "Unit Used", "UOM"),
)
#: And after the third; the fourth followed.
_FOURTH = Words(
    headings={
        "conditions": ("Illnesses Noted", "Working Diagnoses", "Problem Overview", "Conditions We Know Of"),
        "medications": ("Medicine Chest", "Drugs Dispensed", "Script List", "Tablets & Other Medicines"),
        "allergies": ("Sensitivities Noted", "Allergy Alerts", "Intolerance Summary", "What to Avoid"),
        "results": ("Laboratory Values", "Readings and Tests", "Vitals/Lab Overview", "Key Figures"),
        "procedures": ("Interventions Done", "Surgery & Procedures", "Treatments Performed", "Past Interventions"),
        "immunizations": ("Vaccination Overview", "Jabs Received", "Immunisations Given", "Vaccine Passport"),
    },
    names={
        "conditions": ("Problem Label", "Diagnosis (Text)", "Complaint"),
        "medications": ("Drug Label", "Medicine/Strength", "Prescribed Item"),
        "allergies": ("Offending Agent", "Substance/Food", "Allergic Reaction To"),
        "results": ("Test Label", "Investigation Name", "Marker Name"),
        "procedures": ("Intervention Name", "Procedure Label", "Treatment Given"),
        "immunizations": ("Vaccine Label", "Jab", "Immunisation Type"),
    },
    times={
        "conditions": ("Onset (Date)", "Diagnosed On", "Start"),
        "medications": ("Dispensed", "Prescribed On", "Start of Use"),
        "allergies": ("Recorded On", "Dt", "Known Since"),
        "results": ("Measured On", "Sampled", "Test Date"),
        "procedures": ("Carried Out", "Date of Procedure", "On Date"),
        "immunizations": ("Jab Date", "Date Vaccinated", "Dt Given"),
    },
    values=("Result", "Reading", "Found", "Test Value"),
    units=("Units", "Unit", "Dim."),
)
#: After the fourth; the fifth followed.
_FIFTH = Words(
    headings={
        "conditions": (
            "Medical Problems List",
            "Active Dx",
            "Chronic Disease Register",
            "Your Health Problems",
            "PMHx",
        ),
        "medications": ("Medication Regimen", "Repeat Prescriptions", "Drug Hx", "Your Medicines", "Outpatient Rx"),
        "allergies": (
            "Allergy Profile",
            "Drug Reactions",
            "Allergies / ADRs",
            "Known Sensitivities",
            "Alert - Allergies",
        ),
        "results": (
            "Blood Tests and Observations",
            "Recent Labs & Vitals",
            "Ix",
            "Monitoring Data",
            "Your Test Results",
        ),
        "procedures": (
            "Operative History",
            "Past Surgical Hx",
            "Procedures and Tests Completed",
            "PSHx",
            "What We Did",
        ),
        "immunizations": ("Vaccination Ledger", "Immunisation Hx", "Imms UTD", "Vaccines on Record", "Your Shots"),
    },
    names={
        "conditions": ("Dx / Problem", "Disease", "Problem Description"),
        "medications": ("Drug / Dose", "Medication & Strength", "Item Prescribed"),
        "allergies": ("Allergen/Agent", "Causative Agent", "Reaction To"),
        "results": ("Assay", "Observation Name", "Test Performed"),
        "procedures": ("Procedure / Test", "Surgery", "Operation / Procedure"),
        "immunizations": ("Vaccine / Antigen", "Immunisation", "Product"),
    },
    times={
        "conditions": ("Year/Date", "Dx'd", "Onset"),
        "medications": ("Date Prescribed", "Start", "Initiated"),
        "allergies": ("Date Entered", "Onset", "First Recorded"),
        "results": ("Date/Time Collected", "Specimen Date", "Reported On"),
        "procedures": ("Date", "Surgery Date", "Completed On"),
        "immunizations": ("Date Admin.", "Given", "Vax Date"),
    },
    values=("Your Value", "Result", "Numeric Result", "Value"),
    units=("Units", "Unit", "Units of Measure"),
)
#: After the fifth; the sixth followed.
_SIXTH = Words(
    headings={
        "conditions": (
            "Significant Medical Conditions",
            "Diagnoses This Admission",
            "Problems / Diagnoses",
            "Co-morbidities",
            "Dx:",
        ),
        "medications": (
            "Meds on Discharge",
            "TTOs",
            "Scheduled Medications",
            "Current Drug Regimen",
            "Medication Plan",
        ),
        "allergies": ("Allergy/Intolerance", "Allergic To", "Allergen List", "Adverse Drug Events", "Allergy Record"),
        "results": ("Pathology", "Results of Tests", "Chemistry & Haematology", "Objective Data", "Laboratory Panel"),
        "procedures": (
            "Theatre List",
            "Invasive Procedures",
            "Operations and Procedures",
            "Procedures Undertaken",
            "Proc. Hx",
        ),
        "immunizations": (
            "Jabs",
            "Vaccine Schedule",
            "Immunization Summary",
            "Prophylaxis Given",
            "Vaccinations / Boosters",
        ),
    },
    names={
        "conditions": ("Medical Condition", "Diagnosis / Problem", "Entity"),
        "medications": ("Generic Name", "Medication/Dose", "Drug Prescribed"),
        "allergies": ("Allergic Substance", "Drug/Food", "Allergy Name"),
        "results": ("Determination", "Test / Vital", "Name of Test"),
        "procedures": ("Operation Performed", "Procedure Title", "Name of Procedure"),
        "immunizations": ("Vaccine Administered", "Immunization Name", "Antigen"),
    },
    times={
        "conditions": ("Date of Dx", "First Recorded", "Since"),
        "medications": ("Start of Therapy", "Issue Date", "Rx'd"),
        "allergies": ("Date of Onset", "Date", "Documented"),
        "results": ("Date of Sample", "Day of Test", "Resulted"),
        "procedures": ("Performed (Date)", "Theatre Date", "Done"),
        "immunizations": ("Administration Dt", "Date of Vaccine", "Date Received"),
    },
    values=("Measurement", "Result Value", "Quantity", "Observed"),
    units=("Unit", "Units (SI)", "UoM"),
)
#: After the sixth; the seventh followed.
_SEVENTH = Words(
    headings={
        "conditions": (
            "Ongoing Medical Problems",
            "Current Diagnoses",
            "Medical Background",
            "Comorbid Conditions",
            "Encounter Diagnoses",
        ),
        "medications": (
            "Medications Prior to Admission",
            "PTA Meds",
            "Prescriptions",
            "Active Outpatient Medications",
            "What You Take",
        ),
        "allergies": (
            "Allergies & Reactions",
            "Allergy History",
            "Drug Intolerances",
            "Contraindicated Substances",
            "Allergic/Adverse Reactions",
        ),
        "results": ("Pertinent Results", "Bloodwork", "Diagnostic Data", "Labs Reviewed", "Tests and Vital Signs"),
        "procedures": (
            "Prior Procedures",
            "Past Surgeries",
            "Surgical/Procedural Hx",
            "Procedures This Encounter",
            "Operations to Date",
        ),
        "immunizations": (
            "Health Maintenance: Vaccines",
            "Immunization Log",
            "Vaccine Doses",
            "Immunizations/Injections",
            "Vaccines Received",
        ),
    },
    names={
        "conditions": ("Problem Title", "Diagnosis Description", "Health Concern"),
        "medications": ("Prescription", "Drug & Strength", "Medication Details"),
        "allergies": ("Allergen / Substance", "Sensitivity", "Allergic Agent"),
        "results": ("Test Description", "Component Name", "Lab/Vital", "Exam"),
        "procedures": ("Surgery/Procedure", "Procedure Description", "Type of Procedure"),
        "immunizations": ("Vaccine Description", "Vaccination", "Immunization / Vaccine"),
    },
    times={
        "conditions": ("Date Noted", "Diagnosis Date", "Active Since"),
        "medications": ("Order Date", "Date Started", "Last Filled"),
        "allergies": ("Date of Reaction", "Added On", "Noted (Date)"),
        "results": ("Date Drawn", "Specimen Collected", "Date of Result"),
        "procedures": ("Date of Service", "DOS", "Proc Date"),
        "immunizations": ("Date Immunized", "Dose Dt", "Admin On"),
    },
    values=("Your Result", "Test Result", "Reported Value", "Result (Value)"),
    units=("Result Units", "Unit Meas.", "Units Reported"),
)
#: After the seventh; the eighth followed.
_EIGHTH = Words(
    headings={
        "conditions": (
            "Current Health Issues",
            "Conditions Being Treated",
            "Principal and Secondary Diagnoses",
            "Diagnoses Treated",
            "Concerns / Diagnoses",
            "Background Illnesses",
        ),
        "medications": (
            "Your Medication List",
            "Continue These Medicines",
            "Ongoing Drug Treatment",
            "Medication Orders",
            "Meds Taken at Home",
            "Discharge Rx",
        ),
        "allergies": (
            "Allergies on File",
            "Substances Not Tolerated",
            "Allergies (Verified)",
            "Drug Allergy Information",
            "Reported Sensitivities",
        ),
        "results": (
            "Test Results From This Visit",
            "Laboratory and Bedside Values",
            "Clinical Chemistry",
            "Results Since Last Visit",
            "Lab Values / Obs",
            "Monitoring Results",
        ),
        "procedures": (
            "Procedures Performed During Stay",
            "Interventions & Operations",
            "Surgeries You Have Had",
            "Operation List",
            "Diagnostic and Surgical Procedures",
        ),
        "immunizations": (
            "Vaccination Status",
            "Immunizations Administered",
            "Shot Record",
            "Vaccine Registry",
            "Preventive Care: Vaccines",
            "Vaccinated Against",
        ),
    },
    names={
        "conditions": ("Issue", "Diagnosis (ICD text)", "Condition Being Treated", "Problem / Concern"),
        "medications": ("Medicine & Dose", "Drug Description", "What It Is Called", "Rx Item"),
        "allergies": ("Allergic Substance / Drug", "Intolerant Of", "Item", "Allergy / Intolerance"),
        "results": ("Test or Measurement", "Lab Component", "Variable", "Result Name"),
        "procedures": ("Surgery or Procedure", "Name of Operation", "Procedure (Description)", "What Was Performed"),
        "immunizations": ("Vaccine Group", "Name of Vaccine", "Immunization Given", "Product Administered"),
    },
    times={
        "conditions": ("Noted Date", "Identified", "Date of First Diagnosis", "Present Since"),
        "medications": ("First Dose", "Taking Since", "Ordered", "Therapy Start"),
        "allergies": ("First Noted", "Verified On", "Date Added", "Last Reviewed"),
        "results": ("Collection Date", "Date/Time Resulted", "Measured", "Obs Date"),
        "procedures": ("Date of Operation", "Proc. Date", "Date of Surgery", "Year / Date"),
        "immunizations": ("Vaccination Date", "Date Administered", "Date Given", "Immunized On"),
    },
    values=("Patient Result", "Val.", "Measured Result", "Current Value"),
    units=("Units of Meas.", "Result Unit", "Measured In"),
)
EDITIONS = {
    "first": _FIRST,
    "second": _SECOND,
    "third": _THIRD,
    "fourth": _FOURTH,
    "fifth": _FIFTH,
    "sixth": _SIXTH,
    "seventh": _SEVENTH,
    "eighth": _EIGHTH,
}


def words_of(edition: str) -> Words:
    """The words of an edition; one without words of its own has those of the fourth."""
    return EDITIONS.get(edition, _FOURTH)
