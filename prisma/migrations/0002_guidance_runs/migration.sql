-- CreateEnum
CREATE TYPE "RunStatus" AS ENUM ('QUEUED', 'RUNNING', 'DONE', 'STOPPED', 'FAILED');

-- CreateEnum
CREATE TYPE "Generator" AS ENUM ('SHAPES', 'STROKES', 'PIXELS', 'RECOLOUR');

-- CreateTable
CREATE TABLE "GuidanceRun" (
    "id" TEXT NOT NULL,
    "status" "RunStatus" NOT NULL DEFAULT 'QUEUED',
    "generator" "Generator" NOT NULL,
    "input" JSONB NOT NULL,
    "start" BYTEA,
    "step" INTEGER NOT NULL DEFAULT 0,
    "steps" INTEGER NOT NULL,
    "loss" DOUBLE PRECISION,
    "state" BYTEA,
    "preview" BYTEA,
    "previewWidth" INTEGER NOT NULL DEFAULT 0,
    "previewHeight" INTEGER NOT NULL DEFAULT 0,
    "svg" TEXT,
    "error" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "GuidanceRun_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "GuidanceRun_status_idx" ON "GuidanceRun"("status");
